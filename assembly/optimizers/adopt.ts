import { add, div, lerp, max, min, mul, read, scalar, sqrt, square, sub, VECTOR, write } from "../lanes";

export function adopt(n: usize, p: usize, g: usize, m: usize, v: usize, h: usize): void {
  const keep = scalar(h, 0);
  const lr = scalar(h, 1);
  const w1 = scalar(h, 2);
  const b2 = scalar(h, 3);
  const w2 = scalar(h, 4);
  const eps = scalar(h, 5);
  const low = scalar(h, 6);
  const high = scalar(h, 7);
  for (let i: usize = 0; i < n; i += VECTOR) {
    const gi = read(g + i);
    const vi = read(v + i);
    const ratio = min(max(div(gi, max(sqrt(vi), eps)), low), high);
    const mi = lerp(read(m + i), ratio, w1);
    write(m + i, mi);
    write(v + i, add(mul(b2, vi), mul(mul(w2, gi), gi)));
    write(p + i, sub(mul(keep, read(p + i)), mul(lr, mi)));
  }
}

export function adoptNesterov(n: usize, p: usize, g: usize, m: usize, v: usize, h: usize): void {
  const keep = scalar(h, 0);
  const lr = scalar(h, 1);
  const w1 = scalar(h, 2);
  const b2 = scalar(h, 3);
  const w2 = scalar(h, 4);
  const eps = scalar(h, 5);
  const low = scalar(h, 6);
  const high = scalar(h, 7);
  for (let i: usize = 0; i < n; i += VECTOR) {
    const gi = read(g + i);
    const vi = read(v + i);
    const ratio = min(max(div(gi, max(sqrt(vi), eps)), low), high);
    const mi = lerp(read(m + i), ratio, w1);
    write(m + i, mi);
    write(v + i, add(mul(b2, vi), mul(mul(w2, gi), gi)));
    write(p + i, sub(mul(keep, read(p + i)), mul(lr, lerp(mi, ratio, w1))));
  }
}

export function adoptStart(n: usize, _p: usize, g: usize, _m: usize, v: usize, _h: usize): void {
  for (let i: usize = 0; i < n; i += VECTOR) {
    write(v + i, square(read(g + i)));
  }
}
