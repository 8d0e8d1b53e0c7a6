import { abs, add, all, div, max, mul, read, scalar, sub, VECTOR, write } from "../lanes";

export function cocob(
  n: usize,
  p: usize,
  g: usize,
  x0: usize,
  sum: usize,
  largest: usize,
  total: usize,
  reward: usize,
  h: usize,
): void {
  const lr = scalar(h, 0);
  const alpha = scalar(h, 1);
  for (let i: usize = 0; i < n; i += VECTOR) {
    const gi = mul(lr, read(g + i));
    const start = read(x0 + i);
    const size = abs(gi);
    const li = max(size, read(largest + i));
    const ti = add(read(total + i), size);
    const ri = max(sub(read(reward + i), mul(gi, sub(read(p + i), start))), all(0));
    const si = add(read(sum + i), gi);
    const share = div(si, mul(li, max(add(ti, li), mul(alpha, li))));
    write(sum + i, si);
    write(largest + i, li);
    write(total + i, ti);
    write(reward + i, ri);
    write(p + i, sub(start, mul(share, add(li, ri))));
  }
}
