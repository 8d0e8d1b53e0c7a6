import { add, all, div, less, mul, read, scalar, sqrt, sub, VECTOR, where, write } from "../lanes";
import { BLOCK, dequantise, MAP, quantise, STARTS } from "../quantise";

const SIZE: usize = sizeof<real>();

export function adam8bit(
  n: usize,
  p: usize,
  g: usize,
  codes1: usize,
  codes2: usize,
  absmax1: usize,
  absmax2: usize,
  maps: usize,
  starts: usize,
  m: usize,
  v: usize,
  h: usize,
): void {
  for (let from: usize = 0; from < n; from += BLOCK) {
    const length = min(BLOCK, n - from);
    const block = (from / BLOCK) * SIZE;
    dequantise(length, m, codes1 + from, absmax1 + block, maps);
    dequantise(length, v, codes2 + from, absmax2 + block, maps + MAP);
    adamGuarded(length * SIZE, p + from * SIZE, g + from * SIZE, m, v, h);
    quantise(length, m, codes1 + from, absmax1 + block, maps, starts);
    quantise(length, v, codes2 + from, absmax2 + block, maps + MAP, starts + STARTS);
  }
}

export function adamGuarded(n: usize, p: usize, g: usize, m: usize, v: usize, h: usize): void {
  const keep = scalar(h, 0);
  const step = scalar(h, 1);
  const b1 = scalar(h, 2);
  const w1 = scalar(h, 3);
  const b2 = scalar(h, 4);
  const w2 = scalar(h, 5);
  const eps = scalar(h, 6);
  const none = all(0);
  const endless = all(Infinity);
  for (let i: usize = 0; i < n; i += VECTOR) {
    const pi = read(p + i);
    const gi = read(g + i);
    const mi = add(mul(b1, read(m + i)), mul(w1, gi));
    const vi = add(mul(b2, read(v + i)), mul(mul(w2, gi), gi));
    const good = less(vi, endless);
    write(m + i, where(good, mi, none));
    write(v + i, where(good, vi, none));
    write(p + i, where(good, sub(mul(keep, pi), div(mul(step, mi), add(sqrt(vi), eps))), pi));
  }
}
