import { add, all, div, lerp, less, max, mul, read, scalar, sqrt, square, sub, VECTOR, where, write } from "../lanes";

export function laprop(n: usize, p: usize, g: usize, m: usize, v: usize, h: usize): void {
  const keep = scalar(h, 0);
  const step = scalar(h, 1);
  const b1 = scalar(h, 2);
  const rate = scalar(h, 3);
  const b2 = scalar(h, 4);
  const w2 = scalar(h, 5);
  const eps = scalar(h, 6);
  for (let i: usize = 0; i < n; i += VECTOR) {
    const gi = read(g + i);
    const vi = add(mul(b2, read(v + i)), mul(mul(w2, gi), gi));
    const mi = add(mul(b1, read(m + i)), div(mul(rate, gi), add(sqrt(vi), eps)));
    write(m + i, mi);
    write(v + i, vi);
    write(p + i, mul(keep, sub(read(p + i), mul(step, mi))));
  }
}

export function lapropAmsgrad(n: usize, p: usize, g: usize, m: usize, v: usize, vmax: usize, h: usize): void {
  const keep = scalar(h, 0);
  const step = scalar(h, 1);
  const b1 = scalar(h, 2);
  const rate = scalar(h, 3);
  const b2 = scalar(h, 4);
  const w2 = scalar(h, 5);
  const eps = scalar(h, 6);
  for (let i: usize = 0; i < n; i += VECTOR) {
    const gi = read(g + i);
    const vi = add(mul(b2, read(v + i)), mul(mul(w2, gi), gi));
    const ui = max(vi, read(vmax + i));
    const mi = add(mul(b1, read(m + i)), div(mul(rate, gi), add(sqrt(ui), eps)));
    write(m + i, mi);
    write(v + i, vi);
    write(vmax + i, ui);
    write(p + i, mul(keep, sub(read(p + i), mul(step, mi))));
  }
}

export function lapropCentered(n: usize, p: usize, g: usize, m: usize, v: usize, mg: usize, h: usize): void {
  const keep = scalar(h, 0);
  const step = scalar(h, 1);
  const b1 = scalar(h, 2);
  const rate = scalar(h, 3);
  const b2 = scalar(h, 4);
  const w2 = scalar(h, 5);
  const eps = scalar(h, 6);
  const centers = less(all(0), scalar(h, 7));
  for (let i: usize = 0; i < n; i += VECTOR) {
    const gi = read(g + i);
    const vi = add(mul(b2, read(v + i)), mul(mul(w2, gi), gi));
    const mean = lerp(read(mg + i), gi, w2);
    const ui = where(centers, sub(vi, square(mean)), vi);
    const mi = add(mul(b1, read(m + i)), div(mul(rate, gi), add(sqrt(ui), eps)));
    write(m + i, mi);
    write(v + i, vi);
    write(mg + i, mean);
    write(p + i, mul(keep, sub(read(p + i), mul(step, mi))));
  }
}

export function lapropCenteredAmsgrad(
  n: usize,
  p: usize,
  g: usize,
  m: usize,
  v: usize,
  mg: usize,
  vmax: usize,
  h: usize,
): void {
  const keep = scalar(h, 0);
  const step = scalar(h, 1);
  const b1 = scalar(h, 2);
  const rate = scalar(h, 3);
  const b2 = scalar(h, 4);
  const w2 = scalar(h, 5);
  const eps = scalar(h, 6);
  const centers = less(all(0), scalar(h, 7));
  for (let i: usize = 0; i < n; i += VECTOR) {
    const gi = read(g + i);
    const vi = add(mul(b2, read(v + i)), mul(mul(w2, gi), gi));
    const mean = lerp(read(mg + i), gi, w2);
    const old = read(vmax + i);
    const ui = where(centers, max(sub(vi, square(mean)), old), vi);
    const mi = add(mul(b1, read(m + i)), div(mul(rate, gi), add(sqrt(ui), eps)));
    write(m + i, mi);
    write(v + i, vi);
    write(mg + i, mean);
    write(vmax + i, where(centers, ui, old));
    write(p + i, mul(keep, sub(read(p + i), mul(step, mi))));
  }
}
