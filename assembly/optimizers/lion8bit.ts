import { abs, add, all, less, mul, read, scalar, sign, sub, VECTOR, where, write } from "../lanes";
import { BLOCK, dequantise, quantise } from "../quantise";

const SIZE: usize = sizeof<real>();

export function lion8bit(
  n: usize,
  p: usize,
  g: usize,
  codes: usize,
  absmax: usize,
  map: usize,
  starts: usize,
  m: usize,
  h: usize,
): void {
  for (let from: usize = 0; from < n; from += BLOCK) {
    const length = min(BLOCK, n - from);
    const block = (from / BLOCK) * SIZE;
    dequantise(length, m, codes + from, absmax + block, map);
    lionGuarded(length * SIZE, p + from * SIZE, g + from * SIZE, m, h);
    quantise(length, m, codes + from, absmax + block, map, starts);
  }
}

export function lionGuarded(n: usize, p: usize, g: usize, m: usize, h: usize): void {
  const keep = scalar(h, 0);
  const lr = scalar(h, 1);
  const b1 = scalar(h, 2);
  const w1 = scalar(h, 3);
  const b2 = scalar(h, 4);
  const w2 = scalar(h, 5);
  const none = all(0);
  const endless = all(Infinity);
  for (let i: usize = 0; i < n; i += VECTOR) {
    const pi = read(p + i);
    const gi = read(g + i);
    const mi = read(m + i);
    const next = add(mul(b2, mi), mul(w2, gi));
    const good = less(abs(next), endless);
    write(m + i, where(good, next, none));
    write(p + i, where(good, sub(mul(keep, pi), mul(lr, sign(add(mul(b1, mi), mul(w1, gi))))), pi));
  }
}
