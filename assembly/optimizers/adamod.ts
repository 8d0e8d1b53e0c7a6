import { add, div, lerp, min, mul, read, scalar, sqrt, sub, VECTOR, write } from "../lanes";

export function adamod(n: usize, p: usize, g: usize, m: usize, v: usize, e: usize, h: usize): void {
  const keep = scalar(h, 0);
  const step = scalar(h, 1);
  const w1 = scalar(h, 2);
  const b2 = scalar(h, 3);
  const w2 = scalar(h, 4);
  const w3 = scalar(h, 5);
  const eps = scalar(h, 6);
  for (let i: usize = 0; i < n; i += VECTOR) {
    const gi = read(g + i);
    const mi = lerp(read(m + i), gi, w1);
    const vi = add(mul(b2, read(v + i)), mul(mul(w2, gi), gi));
    const size = div(step, add(sqrt(vi), eps));
    const ei = lerp(read(e + i), size, w3);
    write(m + i, mi);
    write(v + i, vi);
    write(e + i, ei);
    write(p + i, sub(mul(keep, read(p + i)), mul(min(size, ei), mi)));
  }
}
