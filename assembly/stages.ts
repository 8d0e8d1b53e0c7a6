// What a step does before and after the rule's kernel. The user's gradient `g` is read, `out` is a block of scratch.
import { add, all, lerp, max, min, mul, read, scalar, sub, VECTOR, write } from "./lanes";

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

/** out = scale g, but no further from zero than a limit */
export function clipGradient(n: usize, out: usize, g: usize, h: usize): void {
  const limit = scalar(h, 3);
  const scale = scalar(h, 4);
  const opposite = sub(all(0), limit);
  for (let i: usize = 0; i < n; i += VECTOR) {
    write(out + i, max(min(mul(scale, read(g + i)), limit), opposite));
  }
}

/** sum = sum + g */
export function addGradient(n: usize, sum: usize, g: usize): void {
  for (let i: usize = 0; i < n; i += VECTOR) {
    write(sum + i, add(read(sum + i), read(g + i)));
  }
}

/** e = a + share (b - a), where one of a and b is e and the other the parameters: their moving average */
export function averageParameters(n: usize, e: usize, a: usize, b: usize, h: usize): void {
  const share = scalar(h, 5);
  for (let i: usize = 0; i < n; i += VECTOR) {
    write(e + i, lerp(read(a + i), read(b + i), share));
  }
}

/** out = 0 */
export function clear(n: usize, out: usize): void {
  memory.fill(out, 0, n);
}
