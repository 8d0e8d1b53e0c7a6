import { abs, add, div, lerp, max, mul, read, scalar, sub, VECTOR, write } from "../lanes";

export function adamax(n: usize, p: usize, g: usize, m: usize, u: usize, h: usize): void {
  const step = scalar(h, 0);
  const w1 = scalar(h, 1);
  const b2 = scalar(h, 2);
  const floor = scalar(h, 3);
  const eps = scalar(h, 4);
  for (let i: usize = 0; i < n; i += VECTOR) {
    const gi = read(g + i);
    const mi = lerp(read(m + i), gi, w1);
    const ui = max(add(abs(gi), floor), mul(b2, read(u + i)));
    write(m + i, mi);
    write(u + i, ui);
    write(p + i, sub(read(p + i), div(mul(step, mi), add(ui, eps))));
  }
}
