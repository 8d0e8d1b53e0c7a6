// The words of `real.ts` in float32: each operation rounds once, as a lane of the WebAssembly kernels does.

export type { Reals } from "./real.js";

export function add(a: number, b: number): number {
  return Math.fround(a + b);
}

export function sub(a: number, b: number): number {
  return Math.fround(a - b);
}

export function mul(a: number, b: number): number {
  return Math.fround(a * b);
}

export function div(a: number, b: number): number {
  return Math.fround(a / b);
}

export function sqrt(x: number): number {
  return Math.fround(Math.sqrt(x));
}

export function abs(x: number): number {
  return Math.abs(x);
}

export function square(x: number): number {
  return Math.fround(x * x);
}

export function max(a: number, b: number): number {
  return a < b ? b : a;
}

export function min(a: number, b: number): number {
  return b < a ? b : a;
}

export function less(a: number, b: number): boolean {
  return a < b;
}

export function where(condition: boolean, a: number, b: number): number {
  return condition ? a : b;
}

export function all(x: number): number {
  return x;
}

export function sign(x: number): number {
  return x < 0 ? -1 : 0 < x ? 1 : x;
}

export function lerp(a: number, b: number, w: number): number {
  return add(a, mul(w, sub(b, a)));
}
