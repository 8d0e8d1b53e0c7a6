import { add, mul, read, scalar, sub, VECTOR, write } from "../lanes";

export function dadaptSgd(n: usize, p: usize, s: usize, p0: usize, h: usize): void {
  const mu = scalar(h, 0);
  const mix = scalar(h, 1);
  for (let i: usize = 0; i < n; i += VECTOR) {
    write(p + i, add(mul(mu, read(p + i)), mul(mix, sub(read(p0 + i), read(s + i)))));
  }
}
