import { add, div, lerp, mul, read, scalar, sqrt, sub, VECTOR, write } from "../lanes";

export function adamminiBlocks(n: usize, squares: usize, v: usize, h: usize): void {
  const b2 = scalar(h, 0);
  const w2 = scalar(h, 1);
  const eps = scalar(h, 2);
  for (let i: usize = 0; i < n; i += VECTOR) {
    const vi = add(mul(b2, read(v + i)), mul(w2, read(squares + i)));
    write(v + i, vi);
    write(squares + i, add(sqrt(vi), eps));
  }
}

export function adammini(n: usize, p: usize, g: usize, m: usize, denominators: usize, h: usize): void {
  const keep = scalar(h, 0);
  const step = scalar(h, 1);
  const w1 = scalar(h, 2);
  for (let i: usize = 0; i < n; i += VECTOR) {
    const mi = lerp(read(m + i), read(g + i), w1);
    write(m + i, mi);
    write(p + i, sub(mul(keep, read(p + i)), div(mul(step, mi), read(denominators + i))));
  }
}
