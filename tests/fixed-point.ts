// Functions of real numbers in fixed point, with 200 bits after the point: what floating-point routines are held against.
const bits = 200n;
const one = 1n << bits;

/** An exact number of fixed point, if |x| is no smaller than 2^-140. */
export function fixed(x: number): bigint {
  let scaled = x;
  let shift = 0n;
  for (; !Number.isInteger(scaled); scaled *= 2) shift++;
  return (BigInt(scaled) << bits) >> shift;
}

/** How far a number is from a value, in units of its last place. */
export function ulpsFrom(x: number, value: bigint): number {
  const unit = 2 ** (Math.floor(Math.log2(Math.abs(x))) - 52);
  return Math.abs(Number(((fixed(x) - value) * 1_000_000n) / fixed(unit))) / 1e6;
}

function times(a: bigint, b: bigint): bigint {
  return (a * b) >> bits;
}

/** The sum of x^n / n! for n = from, from + every, …, with signs that alternate or not. */
function series(x: bigint, from: bigint, every: bigint, alternates: boolean): bigint {
  let [sum, term, sign] = [0n, one, 1n];
  for (let n = 0n; term !== 0n && term !== -1n; n++) {
    if (n >= from && (n - from) % every === 0n) {
      sum += sign * term;
      if (alternates) sign = -sign;
    }
    term = times(term, x) / (n + 1n);
  }
  return sum;
}

export function exp(x: bigint): bigint {
  if (x < 0n) return (one * one) / exp(-x);
  let value = series(x >> 10n, 0n, 1n, false);
  for (let i = 0; i < 10; i++) value = times(value, value);
  return value;
}

export function cos(x: bigint): bigint {
  return series(x, 0n, 2n, true);
}

export function tanh(x: bigint): bigint {
  const e = exp(2n * x);
  return ((e - one) << bits) / (e + one);
}

/** A step of Newton's from the engine's logarithm: log x = y + log(x e^-y), and the latter is small. */
export function log(x: bigint, near: number): bigint {
  const y = fixed(near);
  const rest = times(x, exp(-y)) - one;
  return y + rest - times(rest, rest) / 2n;
}

export function pow(base: number, exponent: number): bigint {
  return exp(times(fixed(exponent), log(fixed(base), Math.log(base))));
}
