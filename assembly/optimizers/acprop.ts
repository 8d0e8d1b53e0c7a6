import { add, div, lerp, mul, read, scalar, sqrt, sub, VECTOR, write } from "../lanes";

export function acprop(n: usize, p: usize, g: usize, m: usize, s: usize, h: usize): void {
  const keep = scalar(h, 0);
  const step = scalar(h, 1);
  const w1 = scalar(h, 2);
  const b2 = scalar(h, 3);
  const w2 = scalar(h, 4);
  const root = scalar(h, 5);
  const eps = scalar(h, 6);
  for (let i: usize = 0; i < n; i += VECTOR) {
    const gi = read(g + i);
    const mi = read(m + i);
    const si = read(s + i);
    const ei = sub(gi, mi);
    write(m + i, lerp(mi, gi, w1));
    write(s + i, add(add(mul(b2, si), mul(mul(w2, ei), ei)), root));
    write(p + i, sub(mul(keep, read(p + i)), div(mul(step, gi), add(sqrt(si), eps))));
  }
}
