import { add, gradient, gradientScale, mul, read, scalar, sub, update, VECTOR, weightDecay, write } from "../lanes";

export function sgd(n: usize, p: usize, g: usize, h: usize): void {
  const lr = scalar(h, 0);
  const scale = gradientScale(h);
  const decay = weightDecay(h);
  for (let i: usize = 0; i < n; i += VECTOR) {
    update(p + i, g + i, sub(read(p + i), mul(lr, gradient(g + i, p + i, h, scale, decay))), h);
  }
}

export function sgdMomentum(n: usize, p: usize, g: usize, buf: usize, h: usize): void {
  const mu = scalar(h, 1);
  const mix = scalar(h, 2);
  const step = scalar(h, 3);
  const scale = gradientScale(h);
  const decay = weightDecay(h);
  for (let i: usize = 0; i < n; i += VECTOR) {
    const bi = add(mul(mu, read(buf + i)), mul(mix, gradient(g + i, p + i, h, scale, decay)));
    write(buf + i, bi);
    update(p + i, g + i, sub(read(p + i), mul(step, bi)), h);
  }
}

export function sgdNesterov(n: usize, p: usize, g: usize, buf: usize, h: usize): void {
  const mu = scalar(h, 1);
  const mix = scalar(h, 2);
  const step = scalar(h, 3);
  const scale = gradientScale(h);
  const decay = weightDecay(h);
  for (let i: usize = 0; i < n; i += VECTOR) {
    const gi = mul(mix, gradient(g + i, p + i, h, scale, decay));
    const bi = add(mul(mu, read(buf + i)), gi);
    write(buf + i, bi);
    update(p + i, g + i, sub(read(p + i), mul(step, add(gi, mul(mu, bi)))), h);
  }
}
