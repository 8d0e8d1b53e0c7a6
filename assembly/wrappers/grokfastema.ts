import { add, mul, read, scalar, VECTOR, write } from "../lanes";

/** An average of gradients, and `out` = the gradient with the average added to it. */
export function grokfast(n: usize, out: usize, g: usize, ema: usize, h: usize): void {
  const keep = scalar(h, 0);
  const take = scalar(h, 1);
  const lamb = scalar(h, 2);
  for (let i: usize = 0; i < n; i += VECTOR) {
    const gi = read(g + i);
    const ei = add(mul(keep, read(ema + i)), mul(take, gi));
    write(ema + i, ei);
    write(out + i, add(gi, mul(lamb, ei)));
  }
}
