import { add, div, max, mul, read, scalar, sqrt, sub, VECTOR, write } from "../lanes";

export function adampCosines(n: usize, xy: usize, xx: usize, yy: usize, h: usize): void {
  const eps = scalar(h, 0);
  for (let i: usize = 0; i < n; i += VECTOR) {
    write(xy + i, div(read(xy + i), mul(max(sqrt(read(xx + i)), eps), max(sqrt(read(yy + i)), eps))));
  }
}

export function adampShares(n: usize, xy: usize, yy: usize, h: usize): void {
  const eps = scalar(h, 0);
  for (let i: usize = 0; i < n; i += VECTOR) {
    const norm = add(sqrt(read(yy + i)), eps);
    write(xy + i, div(div(read(xy + i), norm), norm));
  }
}

export function adampTakeOff(n: usize, step: usize, p: usize, shares: usize, _h: usize): void {
  for (let i: usize = 0; i < n; i += VECTOR) {
    write(step + i, sub(read(step + i), mul(read(shares + i), read(p + i))));
  }
}
