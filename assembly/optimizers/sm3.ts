import { add, div, mul, read, scalar, sqrt, square, VECTOR, write } from "../lanes";

export function sm3(n: usize, g: usize, squares: usize, u: usize, h: usize): void {
  const keep = scalar(h, 0);
  const w = scalar(h, 1);
  const eps = scalar(h, 2);
  for (let i: usize = 0; i < n; i += VECTOR) {
    const gi = read(g + i);
    const si = add(mul(keep, read(squares + i)), mul(w, square(gi)));
    write(squares + i, si);
    write(u + i, div(gi, sqrt(add(si, eps))));
  }
}
