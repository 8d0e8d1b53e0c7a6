// What a step does before the rule's kernel. The user's gradient `g` is read, `out` is a block of scratch.
import { add, mul, read, scalar, VECTOR, write } from "./lanes";

/** out = scale g */
export function scaleGradient(n: usize, out: usize, g: usize, h: usize): void {
  const scale = scalar(h, 0);
  for (let i: usize = 0; i < n; i += VECTOR) {
    write(out + i, mul(scale, read(g + i)));
  }
}

/** out = scale g + decay p: coupled weight decay */
export function decayGradient(n: usize, out: usize, g: usize, p: usize, h: usize): void {
  const scale = scalar(h, 0);
  const decay = scalar(h, 1);
  for (let i: usize = 0; i < n; i += VECTOR) {
    write(out + i, add(mul(scale, read(g + i)), mul(decay, read(p + i))));
  }
}

/** p = keep p: decoupled weight decay */
export function shrinkParameters(n: usize, p: usize, h: usize): void {
  const keep = scalar(h, 2);
  for (let i: usize = 0; i < n; i += VECTOR) {
    write(p + i, mul(keep, read(p + i)));
  }
}
