import { add, div, lerp, mul, read, scalar, sqrt, sub, VECTOR, write } from "../lanes";

export function ademamix(n: usize, p: usize, g: usize, m1: usize, m2: usize, v: usize, h: usize): void {
  const keep = scalar(h, 0);
  const fast = scalar(h, 1);
  const slow = scalar(h, 2);
  const w1 = scalar(h, 3);
  const w3 = scalar(h, 4);
  const b2 = scalar(h, 5);
  const w2 = scalar(h, 6);
  const root = scalar(h, 7);
  const eps = scalar(h, 8);
  for (let i: usize = 0; i < n; i += VECTOR) {
    const gi = read(g + i);
    const fi = lerp(read(m1 + i), gi, w1);
    const si = lerp(read(m2 + i), gi, w3);
    const vi = add(mul(b2, read(v + i)), mul(mul(w2, gi), gi));
    const step = add(mul(fast, fi), mul(slow, si));
    write(m1 + i, fi);
    write(m2 + i, si);
    write(v + i, vi);
    write(p + i, sub(mul(keep, read(p + i)), div(step, add(sqrt(add(vi, root)), eps))));
  }
}
