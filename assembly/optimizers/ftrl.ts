import { add, div, max, min, mul, read, scalar, sqrt, square, sub, VECTOR, write } from "../lanes";

export function ftrl(n: usize, p: usize, g: usize, s: usize, z: usize, h: usize): void {
  const keep = scalar(h, 0);
  const perRate = scalar(h, 1);
  const low = scalar(h, 2);
  const high = scalar(h, 3);
  const ridge = scalar(h, 4);
  const shrinkage = scalar(h, 5);
  for (let i: usize = 0; i < n; i += VECTOR) {
    const gi = read(g + i);
    const pi = mul(keep, read(p + i));
    const old = read(s + i);
    const si = add(old, square(gi));
    const root = sqrt(si);
    const growth = mul(perRate, sub(root, sqrt(old)));
    const zi = add(read(z + i), sub(add(gi, mul(shrinkage, pi)), mul(growth, pi)));
    const excess = sub(min(max(zi, low), high), zi);
    write(s + i, si);
    write(z + i, zi);
    write(p + i, div(excess, add(mul(perRate, root), ridge)));
  }
}
