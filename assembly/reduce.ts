// Reductions over n elements: float64 sums in a fixed order, whatever the dtype. Of each chunk, whole eights go to eight running
// sums, which are added as a tree; what is left over follows one by one. src/reduce.ts adds in the same order.

import { pair, single } from "./lanes";

/** Elements of a chunk: with float64, what a block of the step has. */
const CHUNK: usize = 8192;

// Which reduction it is, as types: the compiler makes a loop for each.
type Products = i8;
type Numbers = i16;
type Magnitudes = i32;
type Opposites = i64;

/** sum x y */
export function dot(n: usize, x: usize, y: usize): f64 {
  return reduce<Products>(n, x, y);
}

/** out = the dot product of each of n rows of m elements of x and of y */
export function rowDots(n: usize, m: usize, x: usize, y: usize, out: usize): void {
  const row = m * sizeof<real>();
  for (let i: usize = 0; i < n; i++) {
    store<real>(out + i * sizeof<real>(), <real>reduce<Products>(m, x + i * row, y + i * row));
  }
}

/** sum x */
export function sum(n: usize, x: usize): f64 {
  return reduce<Numbers>(n, x, x);
}

/** sum |x| */
export function sumAbs(n: usize, x: usize): f64 {
  return reduce<Magnitudes>(n, x, x);
}

/** How many elements of x and y have opposite signs. */
export function opposites(n: usize, x: usize, y: usize): f64 {
  return reduce<Opposites>(n, x, y);
}

/** The largest |x|; 0 for none, NaN if there is one. */
export function maxAbs(n: usize, x: usize): f64 {
  let largest: f64 = 0;
  for (let i: usize = 0; i < n; i++) largest = max(largest, abs(single(x, i)));
  return largest;
}

function reduce<What>(n: usize, x: usize, y: usize): f64 {
  let total: f64 = 0;
  for (let from: usize = 0; from < n; from += CHUNK) {
    const end = min(n, from + CHUNK);
    let i = from;
    let s0 = f64x2.splat(0);
    let s1 = s0;
    let s2 = s0;
    let s3 = s0;
    for (; i + 8 <= end; i += 8) {
      s0 = f64x2.add(s0, terms<What>(pair(x, i), pair(y, i)));
      s1 = f64x2.add(s1, terms<What>(pair(x, i + 2), pair(y, i + 2)));
      s2 = f64x2.add(s2, terms<What>(pair(x, i + 4), pair(y, i + 4)));
      s3 = f64x2.add(s3, terms<What>(pair(x, i + 6), pair(y, i + 6)));
    }
    const s = f64x2.add(f64x2.add(s0, s2), f64x2.add(s1, s3));
    let part = f64x2.extract_lane(s, 0) + f64x2.extract_lane(s, 1);
    for (; i < end; i++) part += term<What>(single(x, i), single(y, i));
    total += part;
  }
  return total;
}

function terms<What>(x: v128, y: v128): v128 {
  if (sizeof<What>() === sizeof<Products>()) return f64x2.mul(x, y);
  if (sizeof<What>() === sizeof<Opposites>()) return v128.and(f64x2.splat(1), opposed(x, y));
  return sizeof<What>() === sizeof<Numbers>() ? x : f64x2.abs(x);
}

function term<What>(x: f64, y: f64): f64 {
  if (sizeof<What>() === sizeof<Products>()) return x * y;
  if (sizeof<What>() === sizeof<Opposites>()) return (x < 0 && 0 < y) || (0 < x && y < 0) ? 1 : 0;
  return sizeof<What>() === sizeof<Numbers>() ? x : abs(x);
}

function opposed(x: v128, y: v128): v128 {
  const zero = f64x2.splat(0);
  const falling = v128.and(f64x2.lt(x, zero), f64x2.lt(zero, y));
  return v128.or(falling, v128.and(f64x2.lt(zero, x), f64x2.lt(y, zero)));
}
