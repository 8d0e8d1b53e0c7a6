import { add, gradient, mul, read, scalar, sub, VECTOR, write } from "../lanes";

export function sgd(n: usize, p: usize, g: usize, h: usize): void {
  const lr = scalar(h, 0);
  for (let i: usize = 0; i < n; i += VECTOR) {
    write(p + i, sub(read(p + i), mul(lr, gradient(g + i, p + i, h))));
  }
}

export function sgdMomentum(n: usize, p: usize, g: usize, buf: usize, h: usize): void {
  const mu = scalar(h, 1);
  const mix = scalar(h, 2);
  const step = scalar(h, 3);
  for (let i: usize = 0; i < n; i += VECTOR) {
    const bi = add(mul(mu, read(buf + i)), mul(mix, gradient(g + i, p + i, h)));
    write(buf + i, bi);
    write(p + i, sub(read(p + i), mul(step, bi)));
  }
}

export function sgdNesterov(n: usize, p: usize, g: usize, buf: usize, h: usize): void {
  const mu = scalar(h, 1);
  const mix = scalar(h, 2);
  const step = scalar(h, 3);
  for (let i: usize = 0; i < n; i += VECTOR) {
    const gi = mul(mix, gradient(g + i, p + i, h));
    const bi = add(mul(mu, read(buf + i)), gi);
    write(buf + i, bi);
    write(p + i, sub(read(p + i), mul(step, add(gi, mul(mu, bi)))));
  }
}
