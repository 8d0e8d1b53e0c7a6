import { add, div, gradient, lerp, mul, read, scalar, sqrt, square, sub, VECTOR, write } from "../lanes";

export function rmsprop(n: usize, p: usize, g: usize, v: usize, h: usize): void {
  const keep = scalar(h, 0);
  const lr = scalar(h, 1);
  const alpha = scalar(h, 2);
  const w = scalar(h, 3);
  const root = scalar(h, 4);
  const eps = scalar(h, 5);
  for (let i: usize = 0; i < n; i += VECTOR) {
    const gi = gradient(g + i, p + i, h);
    const vi = add(mul(alpha, read(v + i)), mul(mul(w, gi), gi));
    const denominator = add(sqrt(add(vi, root)), eps);
    write(v + i, vi);
    write(p + i, sub(mul(keep, read(p + i)), div(mul(lr, gi), denominator)));
  }
}

export function rmspropMomentum(n: usize, p: usize, g: usize, v: usize, buf: usize, h: usize): void {
  const keep = scalar(h, 0);
  const alpha = scalar(h, 2);
  const w = scalar(h, 3);
  const root = scalar(h, 4);
  const eps = scalar(h, 5);
  const mu = scalar(h, 6);
  const inner = scalar(h, 7);
  const outer = scalar(h, 8);
  for (let i: usize = 0; i < n; i += VECTOR) {
    const gi = gradient(g + i, p + i, h);
    const vi = add(mul(alpha, read(v + i)), mul(mul(w, gi), gi));
    const denominator = add(sqrt(add(vi, root)), eps);
    const bi = add(mul(mu, read(buf + i)), div(mul(inner, gi), denominator));
    write(v + i, vi);
    write(buf + i, bi);
    write(p + i, sub(mul(keep, read(p + i)), mul(outer, bi)));
  }
}

export function rmspropCentered(n: usize, p: usize, g: usize, v: usize, mg: usize, h: usize): void {
  const keep = scalar(h, 0);
  const lr = scalar(h, 1);
  const alpha = scalar(h, 2);
  const w = scalar(h, 3);
  const root = scalar(h, 4);
  const eps = scalar(h, 5);
  for (let i: usize = 0; i < n; i += VECTOR) {
    const gi = gradient(g + i, p + i, h);
    const vi = add(mul(alpha, read(v + i)), mul(mul(w, gi), gi));
    const mi = lerp(read(mg + i), gi, w);
    const denominator = add(sqrt(add(sub(vi, square(mi)), root)), eps);
    write(v + i, vi);
    write(mg + i, mi);
    write(p + i, sub(mul(keep, read(p + i)), div(mul(lr, gi), denominator)));
  }
}

export function rmspropCenteredMomentum(n: usize, p: usize, g: usize, v: usize, mg: usize, buf: usize, h: usize): void {
  const keep = scalar(h, 0);
  const alpha = scalar(h, 2);
  const w = scalar(h, 3);
  const root = scalar(h, 4);
  const eps = scalar(h, 5);
  const mu = scalar(h, 6);
  const inner = scalar(h, 7);
  const outer = scalar(h, 8);
  for (let i: usize = 0; i < n; i += VECTOR) {
    const gi = gradient(g + i, p + i, h);
    const vi = add(mul(alpha, read(v + i)), mul(mul(w, gi), gi));
    const mi = lerp(read(mg + i), gi, w);
    const denominator = add(sqrt(add(sub(vi, square(mi)), root)), eps);
    const bi = add(mul(mu, read(buf + i)), div(mul(inner, gi), denominator));
    write(v + i, vi);
    write(mg + i, mi);
    write(buf + i, bi);
    write(p + i, sub(mul(keep, read(p + i)), mul(outer, bi)));
  }
}
