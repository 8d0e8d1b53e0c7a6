import { add, div, mul, read, scalar, sqrt, square, sub, VECTOR, write } from "../lanes";

export function adagrad(n: usize, p: usize, g: usize, s: usize, h: usize): void {
  const lr = scalar(h, 0);
  const root = scalar(h, 1);
  const eps = scalar(h, 2);
  for (let i: usize = 0; i < n; i += VECTOR) {
    const gi = read(g + i);
    const si = add(read(s + i), square(gi));
    const denominator = add(sqrt(add(si, root)), eps);
    write(s + i, si);
    write(p + i, sub(read(p + i), div(mul(lr, gi), denominator)));
  }
}
