import { add, all, div, lerp, less, max, mul, read, scalar, sqrt, sub, VECTOR, where, write } from "../lanes";

export function adabelief(n: usize, p: usize, g: usize, m: usize, s: usize, h: usize): void {
  const keep = scalar(h, 0);
  const step = scalar(h, 1);
  const w1 = scalar(h, 2);
  const b2 = scalar(h, 3);
  const w2 = scalar(h, 4);
  const root = scalar(h, 5);
  const eps = scalar(h, 6);
  for (let i: usize = 0; i < n; i += VECTOR) {
    const gi = read(g + i);
    const mi = lerp(read(m + i), gi, w1);
    const ei = sub(gi, mi);
    const si = add(add(mul(b2, read(s + i)), mul(mul(w2, ei), ei)), root);
    write(m + i, mi);
    write(s + i, si);
    write(p + i, sub(mul(keep, read(p + i)), div(mul(step, mi), add(sqrt(si), eps))));
  }
}

export function adabeliefAmsgrad(n: usize, p: usize, g: usize, m: usize, s: usize, smax: usize, h: usize): void {
  const keep = scalar(h, 0);
  const step = scalar(h, 1);
  const w1 = scalar(h, 2);
  const b2 = scalar(h, 3);
  const w2 = scalar(h, 4);
  const root = scalar(h, 5);
  const eps = scalar(h, 6);
  for (let i: usize = 0; i < n; i += VECTOR) {
    const gi = read(g + i);
    const mi = lerp(read(m + i), gi, w1);
    const ei = sub(gi, mi);
    const si = add(add(mul(b2, read(s + i)), mul(mul(w2, ei), ei)), root);
    const ui = max(si, read(smax + i));
    write(m + i, mi);
    write(s + i, si);
    write(smax + i, ui);
    write(p + i, sub(mul(keep, read(p + i)), div(mul(step, mi), add(sqrt(ui), eps))));
  }
}

export function adabeliefUnrectified(n: usize, p: usize, g: usize, m: usize, s: usize, h: usize): void {
  const keep = scalar(h, 0);
  const step = scalar(h, 1);
  const w1 = scalar(h, 2);
  const b2 = scalar(h, 3);
  const w2 = scalar(h, 4);
  const root = scalar(h, 5);
  const zero = all(0);
  const moves = less(zero, step);
  for (let i: usize = 0; i < n; i += VECTOR) {
    const gi = read(g + i);
    const mi = lerp(read(m + i), gi, w1);
    const ei = sub(gi, mi);
    write(m + i, mi);
    write(s + i, add(add(mul(b2, read(s + i)), mul(mul(w2, ei), ei)), root));
    write(p + i, sub(mul(keep, read(p + i)), where(moves, mul(step, mi), zero)));
  }
}
