import { abs, all, less, max, min, mul, read, scalar, sign, sub, VECTOR, where, write } from "../lanes";

export function rprop(n: usize, p: usize, g: usize, previous: usize, step: usize, h: usize): void {
  const minus = scalar(h, 0);
  const plus = scalar(h, 1);
  const low = scalar(h, 2);
  const high = scalar(h, 3);
  const zero = all(0);
  for (let i: usize = 0; i < n; i += VECTOR) {
    const gi = read(g + i);
    const turn = sign(mul(gi, read(previous + i)));
    const turned = less(turn, zero);
    const still = less(abs(turn), all(1));
    const factor = where(turned, minus, where(less(zero, turn), plus, where(still, all(1), turn)));
    const si = min(max(mul(read(step + i), factor), low), high);
    const used = where(turned, zero, gi);
    write(previous + i, used);
    write(step + i, si);
    write(p + i, sub(read(p + i), mul(sign(used), si)));
  }
}

export function rpropDelayed(n: usize, p: usize, g: usize, previous: usize, step: usize, h: usize): void {
  const minus = scalar(h, 0);
  const plus = scalar(h, 1);
  const low = scalar(h, 2);
  const high = scalar(h, 3);
  const zero = all(0);
  for (let i: usize = 0; i < n; i += VECTOR) {
    const gi = read(g + i);
    const wanted = read(previous + i);
    const size = read(step + i);
    const product = mul(gi, wanted);
    const turned = less(product, zero);
    const kept = less(zero, product);
    const scaled = min(max(mul(size, where(turned, minus, plus)), low), high);
    const si = where(turned, scaled, where(kept, scaled, size));
    write(previous + i, where(turned, zero, mul(si, sign(gi))));
    write(step + i, si);
    write(p + i, sub(read(p + i), where(turned, zero, wanted)));
  }
}
