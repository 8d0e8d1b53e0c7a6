import {
  add,
  div,
  gradient,
  lerp,
  max,
  mul,
  read,
  readHalf,
  scalar,
  sqrt,
  sub,
  update,
  VECTOR,
  write,
  writeHalf,
} from "../lanes";

export function adam(n: usize, p: usize, g: usize, m: usize, v: usize, h: usize): void {
  const keep = scalar(h, 0);
  const step = scalar(h, 1);
  const w1 = scalar(h, 2);
  const b2 = scalar(h, 3);
  const w2 = scalar(h, 4);
  const root = scalar(h, 5);
  const eps = scalar(h, 6);
  for (let i: usize = 0; i < n; i += VECTOR) {
    const gi = gradient(g + i, p + i, h);
    const mi = lerp(read(m + i), gi, w1);
    const vi = add(mul(b2, read(v + i)), mul(mul(w2, gi), gi));
    const denominator = add(sqrt(add(vi, root)), eps);
    write(m + i, mi);
    write(v + i, vi);
    update(p + i, g + i, sub(mul(keep, read(p + i)), div(mul(step, mi), denominator)), h);
  }
}

export function adamAmsgrad(n: usize, p: usize, g: usize, m: usize, v: usize, vmax: usize, h: usize): void {
  const keep = scalar(h, 0);
  const step = scalar(h, 1);
  const w1 = scalar(h, 2);
  const b2 = scalar(h, 3);
  const w2 = scalar(h, 4);
  const root = scalar(h, 5);
  const eps = scalar(h, 6);
  const scale = scalar(h, 7);
  for (let i: usize = 0; i < n; i += VECTOR) {
    const gi = gradient(g + i, p + i, h);
    const mi = lerp(read(m + i), gi, w1);
    const vi = add(mul(b2, read(v + i)), mul(mul(w2, gi), gi));
    const ui = max(mul(scale, vi), read(vmax + i));
    const denominator = add(sqrt(add(ui, root)), eps);
    write(m + i, mi);
    write(v + i, vi);
    write(vmax + i, ui);
    update(p + i, g + i, sub(mul(keep, read(p + i)), div(mul(step, mi), denominator)), h);
  }
}

export function adamHalf(n: usize, p: usize, g: usize, m: usize, v: usize, h: usize): void {
  const keep = scalar(h, 0);
  const step = scalar(h, 1);
  const w1 = scalar(h, 2);
  const b2 = scalar(h, 3);
  const w2 = scalar(h, 4);
  const root = scalar(h, 5);
  const eps = scalar(h, 6);
  for (let i: usize = 0; i < n; i += VECTOR) {
    const gi = gradient(g + i, p + i, h);
    const mi = lerp(readHalf(m, i), gi, w1);
    const vi = add(mul(b2, readHalf(v, i)), mul(mul(w2, gi), gi));
    const denominator = add(sqrt(add(vi, root)), eps);
    writeHalf(m, i, mi);
    writeHalf(v, i, vi);
    update(p + i, g + i, sub(mul(keep, read(p + i)), div(mul(step, mi), denominator)), h);
  }
}
