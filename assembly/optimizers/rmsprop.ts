import { add, div, gradient, lerp, mul, read, scalar, sqrt, square, sub, update, VECTOR, write } from "../lanes";

export function rmsprop(n: usize, p: usize, g: usize, v: usize, h: usize): void {
  const lr = scalar(h, 0);
  const alpha = scalar(h, 1);
  const w = scalar(h, 2);
  const root = scalar(h, 3);
  const eps = scalar(h, 4);
  for (let i: usize = 0; i < n; i += VECTOR) {
    const gi = gradient(g + i, p + i, h);
    const vi = add(mul(alpha, read(v + i)), mul(mul(w, gi), gi));
    const denominator = add(sqrt(add(vi, root)), eps);
    write(v + i, vi);
    update(p + i, g + i, sub(read(p + i), div(mul(lr, gi), denominator)), h);
  }
}

export function rmspropMomentum(n: usize, p: usize, g: usize, v: usize, buf: usize, h: usize): void {
  const alpha = scalar(h, 1);
  const w = scalar(h, 2);
  const root = scalar(h, 3);
  const eps = scalar(h, 4);
  const mu = scalar(h, 6);
  const rate = scalar(h, 7);
  const step = scalar(h, 8);
  for (let i: usize = 0; i < n; i += VECTOR) {
    const gi = gradient(g + i, p + i, h);
    const vi = add(mul(alpha, read(v + i)), mul(mul(w, gi), gi));
    const denominator = add(sqrt(add(vi, root)), eps);
    const ui = div(mul(rate, gi), denominator);
    const bi = add(mul(mu, read(buf + i)), ui);
    write(v + i, vi);
    write(buf + i, bi);
    update(p + i, g + i, sub(read(p + i), mul(step, bi)), h);
  }
}

export function rmspropNesterov(n: usize, p: usize, g: usize, v: usize, buf: usize, h: usize): void {
  const alpha = scalar(h, 1);
  const w = scalar(h, 2);
  const root = scalar(h, 3);
  const eps = scalar(h, 4);
  const mu = scalar(h, 6);
  const rate = scalar(h, 7);
  const step = scalar(h, 8);
  for (let i: usize = 0; i < n; i += VECTOR) {
    const gi = gradient(g + i, p + i, h);
    const vi = add(mul(alpha, read(v + i)), mul(mul(w, gi), gi));
    const denominator = add(sqrt(add(vi, root)), eps);
    const ui = div(mul(rate, gi), denominator);
    const bi = add(mul(mu, read(buf + i)), ui);
    write(v + i, vi);
    write(buf + i, bi);
    update(p + i, g + i, sub(read(p + i), mul(step, add(ui, mul(mu, bi)))), h);
  }
}

export function rmspropCentered(n: usize, p: usize, g: usize, v: usize, mg: usize, h: usize): void {
  const lr = scalar(h, 0);
  const alpha = scalar(h, 1);
  const w = scalar(h, 2);
  const root = scalar(h, 3);
  const eps = scalar(h, 4);
  const share = scalar(h, 5);
  for (let i: usize = 0; i < n; i += VECTOR) {
    const gi = gradient(g + i, p + i, h);
    const vi = add(mul(alpha, read(v + i)), mul(mul(w, gi), gi));
    const mi = lerp(read(mg + i), gi, w);
    const denominator = add(sqrt(add(sub(vi, mul(share, square(mi))), root)), eps);
    write(v + i, vi);
    write(mg + i, mi);
    update(p + i, g + i, sub(read(p + i), div(mul(lr, gi), denominator)), h);
  }
}

export function rmspropCenteredMomentum(n: usize, p: usize, g: usize, v: usize, mg: usize, buf: usize, h: usize): void {
  const alpha = scalar(h, 1);
  const w = scalar(h, 2);
  const root = scalar(h, 3);
  const eps = scalar(h, 4);
  const share = scalar(h, 5);
  const mu = scalar(h, 6);
  const rate = scalar(h, 7);
  const step = scalar(h, 8);
  for (let i: usize = 0; i < n; i += VECTOR) {
    const gi = gradient(g + i, p + i, h);
    const vi = add(mul(alpha, read(v + i)), mul(mul(w, gi), gi));
    const mi = lerp(read(mg + i), gi, w);
    const denominator = add(sqrt(add(sub(vi, mul(share, square(mi))), root)), eps);
    const ui = div(mul(rate, gi), denominator);
    const bi = add(mul(mu, read(buf + i)), ui);
    write(v + i, vi);
    write(mg + i, mi);
    write(buf + i, bi);
    update(p + i, g + i, sub(read(p + i), mul(step, bi)), h);
  }
}

export function rmspropCenteredNesterov(n: usize, p: usize, g: usize, v: usize, mg: usize, buf: usize, h: usize): void {
  const alpha = scalar(h, 1);
  const w = scalar(h, 2);
  const root = scalar(h, 3);
  const eps = scalar(h, 4);
  const share = scalar(h, 5);
  const mu = scalar(h, 6);
  const rate = scalar(h, 7);
  const step = scalar(h, 8);
  for (let i: usize = 0; i < n; i += VECTOR) {
    const gi = gradient(g + i, p + i, h);
    const vi = add(mul(alpha, read(v + i)), mul(mul(w, gi), gi));
    const mi = lerp(read(mg + i), gi, w);
    const denominator = add(sqrt(add(sub(vi, mul(share, square(mi))), root)), eps);
    const ui = div(mul(rate, gi), denominator);
    const bi = add(mul(mu, read(buf + i)), ui);
    write(v + i, vi);
    write(mg + i, mi);
    write(buf + i, bi);
    update(p + i, g + i, sub(read(p + i), mul(step, add(ui, mul(mu, bi)))), h);
  }
}
