import { add, gradient, mul, read, scalar, sub, VECTOR, write } from "../lanes";

// Loops without a division wait for nothing but their own counting, so they take many vectors at a time; `n` allows eight.

export function sgd(n: usize, p: usize, g: usize, h: usize): void {
  const lr = scalar(h, 0);
  for (let i: usize = 0; i < n; i += 8 * VECTOR) {
    step(p + i, g + i, lr, h);
    step(p + i + VECTOR, g + i + VECTOR, lr, h);
    step(p + i + 2 * VECTOR, g + i + 2 * VECTOR, lr, h);
    step(p + i + 3 * VECTOR, g + i + 3 * VECTOR, lr, h);
    step(p + i + 4 * VECTOR, g + i + 4 * VECTOR, lr, h);
    step(p + i + 5 * VECTOR, g + i + 5 * VECTOR, lr, h);
    step(p + i + 6 * VECTOR, g + i + 6 * VECTOR, lr, h);
    step(p + i + 7 * VECTOR, g + i + 7 * VECTOR, lr, h);
  }
}

function step(p: usize, g: usize, lr: v128, h: usize): void {
  write(p, sub(read(p), mul(lr, gradient(g, p, h))));
}

export function sgdMomentum(n: usize, p: usize, g: usize, buf: usize, h: usize): void {
  const mu = scalar(h, 1);
  const mix = scalar(h, 2);
  const step = scalar(h, 3);
  for (let i: usize = 0; i < n; i += 4 * VECTOR) {
    momentumStep(p + i, g + i, buf + i, mu, mix, step, h);
    momentumStep(p + i + VECTOR, g + i + VECTOR, buf + i + VECTOR, mu, mix, step, h);
    momentumStep(p + i + 2 * VECTOR, g + i + 2 * VECTOR, buf + i + 2 * VECTOR, mu, mix, step, h);
    momentumStep(p + i + 3 * VECTOR, g + i + 3 * VECTOR, buf + i + 3 * VECTOR, mu, mix, step, h);
  }
}

function momentumStep(p: usize, g: usize, buf: usize, mu: v128, mix: v128, step: v128, h: usize): void {
  const b = add(mul(mu, read(buf)), mul(mix, gradient(g, p, h)));
  write(buf, b);
  write(p, sub(read(p), mul(step, b)));
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
