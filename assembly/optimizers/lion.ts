import { lerp, mul, read, scalar, sign, sub, VECTOR, write } from "../lanes";

export function lion(n: usize, p: usize, g: usize, m: usize, h: usize): void {
  const keep = scalar(h, 0);
  const lr = scalar(h, 1);
  const w1 = scalar(h, 2);
  const w2 = scalar(h, 3);
  for (let i: usize = 0; i < n; i += VECTOR) {
    const gi = read(g + i);
    const mi = read(m + i);
    write(m + i, lerp(mi, gi, w2));
    write(p + i, sub(mul(keep, read(p + i)), mul(lr, sign(lerp(mi, gi, w1)))));
  }
}
