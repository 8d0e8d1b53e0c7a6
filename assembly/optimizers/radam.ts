import { add, lerp, mul, read, scalar, sub, VECTOR, write } from "../lanes";

export function radamUnrectified(n: usize, p: usize, g: usize, m: usize, v: usize, h: usize): void {
  const keep = scalar(h, 0);
  const step = scalar(h, 1);
  const w1 = scalar(h, 2);
  const b2 = scalar(h, 3);
  const w2 = scalar(h, 4);
  for (let i: usize = 0; i < n; i += VECTOR) {
    const gi = read(g + i);
    const mi = lerp(read(m + i), gi, w1);
    write(m + i, mi);
    write(v + i, add(mul(b2, read(v + i)), mul(mul(w2, gi), gi)));
    write(p + i, sub(mul(keep, read(p + i)), mul(step, mi)));
  }
}

export function radamAhead(n: usize, p: usize, g: usize, m: usize, v: usize, h: usize): void {
  const keep = scalar(h, 0);
  const momentumStep = scalar(h, 1);
  const w1 = scalar(h, 2);
  const b2 = scalar(h, 3);
  const w2 = scalar(h, 4);
  const gradientStep = scalar(h, 7);
  for (let i: usize = 0; i < n; i += VECTOR) {
    const gi = read(g + i);
    const mi = lerp(read(m + i), gi, w1);
    write(m + i, mi);
    write(v + i, add(mul(b2, read(v + i)), mul(mul(w2, gi), gi)));
    write(p + i, sub(mul(keep, read(p + i)), add(mul(gradientStep, gi), mul(momentumStep, mi))));
  }
}
