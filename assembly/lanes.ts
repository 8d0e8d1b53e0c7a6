// The words that kernels are written in. Each acts on one 16-byte vector (four f32 or two f64 lanes) and rounds once.
// src/real.ts has the same words for a single number.

/** Bytes in a vector: what a kernel's loop advances by. */
export const VECTOR: usize = 16;

/** The scalar in slot `i` of the step's scalars, in every lane. A splat of a load would sink into the loop. */
export function scalar(h: usize, i: usize): v128 {
  return v128.load_splat<real>(h + i * sizeof<real>());
}

/** The slot of the coupled weight decay. */
const DECAY: usize = 15;

/** The gradient at `g`, plus the weight decay of the parameter at `p` in the kernels that are compiled for it. */
export function gradient(g: usize, p: usize, h: usize): v128 {
  return isFloat<decay>() ? add(read(g), mul(scalar(h, DECAY), read(p))) : read(g);
}

export function read(at: usize): v128 {
  return v128.load(at);
}

export function write(at: usize, x: v128): void {
  v128.store(at, x);
}

export function add(a: v128, b: v128): v128 {
  return v128.add<real>(a, b);
}

export function sub(a: v128, b: v128): v128 {
  return v128.sub<real>(a, b);
}

export function mul(a: v128, b: v128): v128 {
  return v128.mul<real>(a, b);
}

export function div(a: v128, b: v128): v128 {
  return v128.div<real>(a, b);
}

export function sqrt(x: v128): v128 {
  return v128.sqrt<real>(x);
}

export function abs(x: v128): v128 {
  return v128.abs<real>(x);
}

export function square(x: v128): v128 {
  return mul(x, x);
}

/** `b` where `a < b`, else `a`: a NaN in `a` stays. */
export function max(a: v128, b: v128): v128 {
  return v128.pmax<real>(a, b);
}

/** `b` where `b < a`, else `a`: a NaN in `a` stays. */
export function min(a: v128, b: v128): v128 {
  return v128.pmin<real>(a, b);
}

/** A mask of the lanes where `a < b`; never where one is NaN. */
export function less(a: v128, b: v128): v128 {
  return v128.lt<real>(a, b);
}

/** `a` in the lanes of the mask, `b` in the others. */
export function where(mask: v128, a: v128, b: v128): v128 {
  return v128.bitselect(a, b, mask);
}

/** The number in every lane. */
export function all(x: real): v128 {
  return v128.splat<real>(x);
}

/** -1, 1, or `x` itself if it is a zero or NaN. */
export function sign(x: v128): v128 {
  const zero = all(0);
  return where(less(x, zero), all(-1), where(less(zero, x), all(1), x));
}

/** Moves `a` towards `b` by the share `w`: a + w (b - a). */
export function lerp(a: v128, b: v128, w: v128): v128 {
  return add(a, mul(w, sub(b, a)));
}

/** The cube root, to an ulp. */
export function cbrt(x: v128): v128 {
  const zero = all(0);
  const a = abs(x);
  // the guess needs a normal number: small ones are scaled by 2^54
  const small = less(a, all(1));
  const y = where(small, mul(a, all(18014398509481984)), a);
  let near = halley(y, guess(y));
  if (sizeof<real>() === 8) near = halley(y, near);
  const root = halley(y, upperHalf(near));
  const size = where(small, mul(root, all(3.814697265625e-6)), root);
  // 0, infinity and NaN are their own roots
  return where(less(a, add(a, a)), where(less(x, zero), sub(zero, size), size), x);
}

/** A cube root that is right to a thirtieth: a third of the bits, and a constant that makes up for the exponent's bias. */
function guess(y: v128): v128 {
  let third = v128.add<u32>(v128.shr<u32>(y, 2), v128.shr<u32>(y, 4));
  third = v128.add<u32>(third, v128.shr<u32>(third, 4));
  third = v128.add<u32>(third, v128.shr<u32>(third, 8));
  third = v128.add<u32>(third, v128.shr<u32>(third, 16));
  if (sizeof<real>() === 4) return v128.add<u32>(third, v128.splat<u32>(709958130));
  // the upper word of each lane; the lower one is 0
  return v128.shl<u64>(v128.add<u64>(v128.shr<u64>(third, 32), v128.splat<u64>(715094163)), 32);
}

/** A step of Halley's iteration: it triples the right digits. */
function halley(y: v128, root: v128): v128 {
  const other = div(y, square(root));
  return add(root, div(mul(root, sub(other, root)), add(add(root, root), other)));
}

/** The upper half of the digits, whose square is exact (Veltkamp). */
function upperHalf(x: v128): v128 {
  const c = mul(x, all(sizeof<real>() === 8 ? 134217729 : 4097));
  return sub(c, sub(c, x));
}

/** e^x for x <= 0, to an ulp: x = k ln 2 + r. Where it would not be a normal number, it is 0. */
export function exp(x: v128): v128 {
  const wide = sizeof<real>() === 8;
  const shift = all(SHIFT);
  // k, rounded because so large a number has no digits after the point
  const shifted = add(mul(x, all(<real>Math.LOG2E)), shift);
  const k = sub(shifted, shift);
  const high = all(wide ? 0.6931471803691238 : 0.693359375);
  const low = all(wide ? 1.9082149292705877e-10 : -2.1219444005469057e-4);
  const r = sub(sub(x, mul(k, high)), mul(k, low));
  const c = sub(r, series(square(r)));
  const power = add(add(div(mul(r, c), sub(all(2), c)), r), all(1));
  return where(less(x, all(wide ? -708 : -87)), all(0), mul(power, powerOfTwo(shifted)));
}

/** r coth(r / 2) - 2, of r^2. */
function series(z: v128): v128 {
  let sum = all(1.0 / 15120.0);
  if (sizeof<real>() === 8) {
    const tail = sub(all(1.0 / 23950080.0), mul(z, all(691.0 / 653837184000.0)));
    sum = sub(sum, mul(z, sub(all(1.0 / 604800.0), mul(z, tail))));
  }
  sum = sub(all(1.0 / 360.0), mul(z, sum));
  return mul(z, sub(all(1.0 / 6.0), mul(z, sum)));
}

/** 2^k, of SHIFT + k: its last digits become the exponent. */
function powerOfTwo(shifted: v128): v128 {
  return sizeof<real>() === 8 ? v128.shl<u64>(shifted, 52) : v128.shl<u32>(shifted, 23);
}

/** A number so large that its last digit is 1, and the bias of the exponent. */
const SHIFT: real = sizeof<real>() === 8 ? 6755399441056767 : 12583039;

/** Elements i and i + 1 of x, in float64. */
export function pair(x: usize, i: usize): v128 {
  const at = x + i * sizeof<real>();
  return sizeof<real>() === 4 ? f64x2.promote_low_f32x4(v128.load_zero<i64>(at)) : v128.load(at);
}

/** Element i of x, in float64. */
export function single(x: usize, i: usize): f64 {
  return <f64>load<real>(x + i * sizeof<real>());
}

/** Bytes of an element, and whether the kernels add the weight decay: exported so that a module tells what it is. */
export const REAL_BYTES: i32 = sizeof<real>();
export const DECAYS: bool = isFloat<decay>();
