import { add, mul, read, scalar, sub, VECTOR, write } from "../lanes";

export function sgdw(n: usize, p: usize, g: usize, h: usize): void {
  const keep = scalar(h, 0);
  const lr = scalar(h, 1);
  for (let i: usize = 0; i < n; i += VECTOR) {
    write(p + i, sub(mul(keep, read(p + i)), mul(lr, read(g + i))));
  }
}

export function sgdwMomentum(n: usize, p: usize, g: usize, buf: usize, h: usize): void {
  const keep = scalar(h, 0);
  const lr = scalar(h, 1);
  const mu = scalar(h, 2);
  const mix = scalar(h, 3);
  for (let i: usize = 0; i < n; i += VECTOR) {
    const bi = add(mul(mu, read(buf + i)), mul(mix, read(g + i)));
    write(buf + i, bi);
    write(p + i, sub(mul(keep, read(p + i)), mul(lr, bi)));
  }
}

export function sgdwNesterov(n: usize, p: usize, g: usize, buf: usize, h: usize): void {
  const keep = scalar(h, 0);
  const lr = scalar(h, 1);
  const mu = scalar(h, 2);
  for (let i: usize = 0; i < n; i += VECTOR) {
    const gi = read(g + i);
    const bi = add(mul(mu, read(buf + i)), gi);
    write(buf + i, bi);
    write(p + i, sub(mul(keep, read(p + i)), mul(lr, add(gi, mul(mu, bi)))));
  }
}
