import { gradient, gradientScale, lerp, mul, read, scalar, sub, update, VECTOR, weightDecay, write } from "../lanes";

export function momentum(n: usize, p: usize, g: usize, m: usize, h: usize): void {
  const step = scalar(h, 0);
  const w = scalar(h, 1);
  const scale = gradientScale(h);
  const decay = weightDecay(h);
  for (let i: usize = 0; i < n; i += VECTOR) {
    const mi = lerp(read(m + i), gradient(g + i, p + i, h, scale, decay), w);
    write(m + i, mi);
    update(p + i, g + i, sub(read(p + i), mul(step, mi)), h);
  }
}
