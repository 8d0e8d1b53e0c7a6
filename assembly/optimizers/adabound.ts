import { add, div, lerp, max, min, mul, read, scalar, sqrt, sub, VECTOR, write } from "../lanes";

export function adabound(n: usize, p: usize, g: usize, m: usize, v: usize, h: usize): void {
  const step = scalar(h, 0);
  const w1 = scalar(h, 1);
  const b2 = scalar(h, 2);
  const w2 = scalar(h, 3);
  const eps = scalar(h, 4);
  const low = scalar(h, 5);
  const high = scalar(h, 6);
  for (let i: usize = 0; i < n; i += VECTOR) {
    const gi = read(g + i);
    const mi = lerp(read(m + i), gi, w1);
    const vi = add(mul(b2, read(v + i)), mul(mul(w2, gi), gi));
    const size = min(max(div(step, add(sqrt(vi), eps)), low), high);
    write(m + i, mi);
    write(v + i, vi);
    write(p + i, sub(read(p + i), mul(size, mi)));
  }
}

export function adaboundAmsbound(n: usize, p: usize, g: usize, m: usize, v: usize, vmax: usize, h: usize): void {
  const step = scalar(h, 0);
  const w1 = scalar(h, 1);
  const b2 = scalar(h, 2);
  const w2 = scalar(h, 3);
  const eps = scalar(h, 4);
  const low = scalar(h, 5);
  const high = scalar(h, 6);
  for (let i: usize = 0; i < n; i += VECTOR) {
    const gi = read(g + i);
    const mi = lerp(read(m + i), gi, w1);
    const vi = add(mul(b2, read(v + i)), mul(mul(w2, gi), gi));
    const ui = max(vi, read(vmax + i));
    const size = min(max(div(step, add(sqrt(ui), eps)), low), high);
    write(m + i, mi);
    write(v + i, vi);
    write(vmax + i, ui);
    write(p + i, sub(read(p + i), mul(size, mi)));
  }
}
