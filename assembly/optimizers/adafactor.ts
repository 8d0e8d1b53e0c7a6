import { add, div, max, mul, read, scalar, sqrt, square, VECTOR, write } from "../lanes";

export function adafactor(n: usize, g: usize, root: usize, u: usize, h: usize): void {
  const floor = scalar(h, 0);
  for (let i: usize = 0; i < n; i += VECTOR) {
    write(u + i, div(read(g + i), max(mul(read(root + i), read(u + i)), floor)));
  }
}

export function adafactorWhole(n: usize, g: usize, v: usize, u: usize, h: usize): void {
  const floor = scalar(h, 0);
  const b2 = scalar(h, 1);
  const w = scalar(h, 2);
  const eps = scalar(h, 3);
  for (let i: usize = 0; i < n; i += VECTOR) {
    const gi = read(g + i);
    const vi = add(mul(b2, read(v + i)), mul(w, add(square(gi), eps)));
    write(v + i, vi);
    write(u + i, div(gi, max(sqrt(vi), floor)));
  }
}
