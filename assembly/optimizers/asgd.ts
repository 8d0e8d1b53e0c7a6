import { lerp, mul, read, scalar, sub, VECTOR, write } from "../lanes";

export function asgd(n: usize, p: usize, g: usize, ax: usize, h: usize): void {
  const keep = scalar(h, 0);
  const eta = scalar(h, 1);
  const mu = scalar(h, 2);
  for (let i: usize = 0; i < n; i += VECTOR) {
    const pi = sub(mul(keep, read(p + i)), mul(eta, read(g + i)));
    write(p + i, pi);
    write(ax + i, lerp(read(ax + i), pi, mu));
  }
}

export function asgdStart(n: usize, p: usize, g: usize, ax: usize, h: usize): void {
  const keep = scalar(h, 0);
  const eta = scalar(h, 1);
  for (let i: usize = 0; i < n; i += VECTOR) {
    const pi = sub(mul(keep, read(p + i)), mul(eta, read(g + i)));
    write(p + i, pi);
    write(ax + i, pi);
  }
}
