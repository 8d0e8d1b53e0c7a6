import { add, mul, read, scalar, sub, VECTOR, write } from "../lanes";

export function lars(n: usize, p: usize, g: usize, h: usize): void {
  const lr = scalar(h, 0);
  const ratio = scalar(h, 1);
  for (let i: usize = 0; i < n; i += VECTOR) {
    write(p + i, sub(read(p + i), mul(lr, mul(ratio, read(g + i)))));
  }
}

export function larsMomentum(n: usize, p: usize, g: usize, buf: usize, h: usize): void {
  const lr = scalar(h, 0);
  const ratio = scalar(h, 1);
  const mu = scalar(h, 2);
  const mix = scalar(h, 3);
  for (let i: usize = 0; i < n; i += VECTOR) {
    const gi = mul(ratio, read(g + i));
    const bi = add(mul(mu, read(buf + i)), mul(mix, gi));
    write(buf + i, bi);
    write(p + i, sub(read(p + i), mul(lr, bi)));
  }
}

export function larsNesterov(n: usize, p: usize, g: usize, buf: usize, h: usize): void {
  const lr = scalar(h, 0);
  const ratio = scalar(h, 1);
  const mu = scalar(h, 2);
  const mix = scalar(h, 3);
  for (let i: usize = 0; i < n; i += VECTOR) {
    const gi = mul(ratio, read(g + i));
    const bi = add(mul(mu, read(buf + i)), mul(mix, gi));
    write(buf + i, bi);
    write(p + i, sub(read(p + i), mul(lr, add(gi, mul(mu, bi)))));
  }
}
