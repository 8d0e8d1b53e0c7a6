// The words that twins are written in: float64, one number at a time. `real.f32.ts` rounds each result to float32;
// assembly/lanes.ts has the same words for a whole vector. A twin imports this file; its float32 form is derived.

/** A buffer of the optimizer's dtype. */
export type Reals = Float32Array | Float64Array;

export function add(a: number, b: number): number {
  return a + b;
}

export function sub(a: number, b: number): number {
  return a - b;
}

export function mul(a: number, b: number): number {
  return a * b;
}

export function div(a: number, b: number): number {
  return a / b;
}

export function sqrt(x: number): number {
  return Math.sqrt(x);
}

export function abs(x: number): number {
  return Math.abs(x);
}

export function square(x: number): number {
  return x * x;
}

/** `b` where `a < b`, else `a`: a NaN in `a` stays. */
export function max(a: number, b: number): number {
  return a < b ? b : a;
}

/** `b` where `b < a`, else `a`: a NaN in `a` stays. */
export function min(a: number, b: number): number {
  return b < a ? b : a;
}

/** Whether a < b; never if one is NaN. */
export function less(a: number, b: number): boolean {
  return a < b;
}

/** `a` if the condition holds, else `b`. */
export function where(condition: boolean, a: number, b: number): number {
  return condition ? a : b;
}

/** The number, for which the kernels fill a vector. */
export function all(x: number): number {
  return x;
}

/** -1, 1, or `x` itself if it is a zero or NaN. */
export function sign(x: number): number {
  return x < 0 ? -1 : 0 < x ? 1 : x;
}

/** Moves `a` towards `b` by the share `w`: a + w (b - a). */
export function lerp(a: number, b: number, w: number): number {
  return add(a, mul(w, sub(b, a)));
}
