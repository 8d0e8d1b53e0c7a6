import { add, div, lerp, mul, read, scalar, sqrt, sub, VECTOR, write } from "../lanes";

export function soapDirection(n: usize, g: usize, m: usize, v: usize, direction: usize, h: usize): void {
  const w1 = scalar(h, 0);
  const b2 = scalar(h, 1);
  const w2 = scalar(h, 2);
  const eps = scalar(h, 3);
  for (let i: usize = 0; i < n; i += VECTOR) {
    const gi = read(g + i);
    const mi = lerp(read(m + i), gi, w1);
    const vi = add(mul(b2, read(v + i)), mul(mul(w2, gi), gi));
    write(m + i, mi);
    write(v + i, vi);
    write(direction + i, div(mi, add(sqrt(vi), eps)));
  }
}

export function soap(n: usize, p: usize, step: usize, h: usize): void {
  const lr = scalar(h, 0);
  const keep = scalar(h, 1);
  for (let i: usize = 0; i < n; i += VECTOR) {
    write(p + i, mul(keep, sub(read(p + i), mul(lr, read(step + i)))));
  }
}
