// The words that kernels are written in. Each acts on one 16-byte vector (four f32 or two f64 lanes) and rounds once.
// src/real.ts has the same words for a single number.

/** Bytes in a vector: what a kernel's loop advances by. */
export const VECTOR: usize = 16;

/** The scalar in slot `i` of the step's scalars, in every lane. A splat of a load would sink into the loop. */
export function scalar(h: usize, i: usize): v128 {
  return v128.load_splat<real>(h + i * sizeof<real>());
}

/** Where the scalars of the step's stages stand, behind those of the rule: see writeStages. */
const DECAY: usize = 17;
const LIMIT: usize = 19;
const SCALE: usize = 20;
const SHARE: usize = 21;
const AFTER: usize = 22 * sizeof<real>();

const AVERAGES: u32 = 1;
const CLEARS: u32 = 2;

/** The scale of the gradients, in the kernels' forms that need it. */
export function gradientScale(h: usize): v128 {
  return isFloat<decay>() || isFloat<fused>() ? scalar(h, SCALE) : all(1);
}

/** The coupled weight decay, likewise. */
export function weightDecay(h: usize): v128 {
  return isFloat<decay>() ? scalar(h, DECAY) : all(0);
}

/**
 * The gradient at `g`, with what the kernel's form does to it: scales it and adds the weight decay of the parameter at `p`, or scales
 * and clips it. A loop that is too short to hide two more loads hands the scalars over.
 */
export function gradient(
  g: usize,
  p: usize,
  h: usize,
  scale: v128 = gradientScale(h),
  decay: v128 = weightDecay(h),
): v128 {
  if (isFloat<decay>()) return add(mul(scale, read(g)), mul(decay, read(p)));
  if (!isFloat<fused>()) return read(g);
  const limit = scalar(h, LIMIT);
  return max(min(mul(scale, read(g)), limit), sub(all(0), limit));
}

/** Writes the parameter at `p`; fused kernels also average it and clear the gradient at `g`. */
export function update(p: usize, g: usize, x: v128, h: usize): void {
  write(p, x);
  if (isFloat<fused>()) {
    const asked = load<u32>(h + AFTER);
    if (asked & AVERAGES) {
      const e = p + load<u32>(h + AFTER, 4);
      write(e, lerp(read(e), x, scalar(h, SHARE)));
    }
    if (asked & CLEARS) write(g, all(0));
  }
}

export function read(at: usize): v128 {
  return v128.load(at);
}

export function write(at: usize, x: v128): void {
  v128.store(at, x);
}

/** The elements of an array of bfloat16 numbers that stand beside the vector of reals at the byte `i`. */
export function readHalf(x: usize, i: usize): v128 {
  if (sizeof<real>() === 4) return i32x4.shl(v128.load_ext<u16>(x + (i >> 1)), 16);
  const bits = i32x4.extend_low_i16x8_u(v128.load_zero<i32>(x + (i >> 2)));
  return f64x2.promote_low_f32x4(i32x4.shl(bits, 16));
}

/** Rounds to the nearest bfloat16 numbers, of two to the even one. Every NaN becomes 0xffff. */
export function writeHalf(x: usize, i: usize, value: v128): void {
  const single = sizeof<real>() === 4 ? value : f32x4.demote_f64x2_zero(value);
  const odd = v128.and(v128.shr<u32>(single, 16), v128.splat<u32>(1));
  const sum = v128.add<u32>(v128.add<u32>(single, v128.splat<u32>(0x7fff)), odd);
  const rounded = v128.shr<u32>(v128.or(sum, f32x4.ne(single, single)), 16);
  const halves = i16x8.narrow_i32x4_u(rounded, rounded);
  if (sizeof<real>() === 4) v128.store_lane<u64>(x + (i >> 1), halves, 0);
  else v128.store_lane<u32>(x + (i >> 2), halves, 0);
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
  // twice this brings the least number above 1
  const far = all(sizeof<real>() === 8 ? 1e162 : 1e23);
  return max(min(mul(mul(x, far), far), all(1)), all(-1));
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

/** Bytes of an element, and what else the kernels do: exported so that a module tells what it is. */
export const REAL_BYTES: i32 = sizeof<real>();
export const FORM: i32 = isFloat<decay>() ? 1 : isFloat<fused>() ? 2 : 0;
