// The powers of a few bases that were asked for last: a step asks for the same bases as the one before, with exponents one larger.
const SLOTS = 8;
const bases = new Float64Array(SLOTS).fill(Number.NaN);
const exponents = new Float64Array(SLOTS);
const powers = new Float64Array(SLOTS);

/**
 * base^exponent for a whole exponent >= 0, by multiplications only, so that every engine has the same bits: the power of the
 * exponent's multiple of 256, which stays for as many steps, times that of the rest. Without keeping it a small step takes half as
 * long again after a million steps.
 */
export function power(base: number, exponent: number): number {
  if (!(exponent >= 256)) return squaring(base, exponent);
  const rest = exponent % 256;
  return kept(base, exponent - rest) * squaring(base, rest);
}

function kept(base: number, exponent: number): number {
  const slot = (base * 4096) & (SLOTS - 1);
  if (bases[slot] !== base || exponents[slot] !== exponent) {
    bases[slot] = base;
    exponents[slot] = exponent;
    powers[slot] = ofMany(base, exponent);
  }
  return powers[slot];
}

function ofMany(base: number, exponent: number): number {
  if (exponent < 2 ** 31) return squaring(base, exponent);
  const rest = exponent % 2 ** 16;
  return ofMany(ofMany(base, 2 ** 16), (exponent - rest) / 2 ** 16) * squaring(base, rest);
}

function squaring(base: number, exponent: number): number {
  let result = 1;
  let square = base;
  for (let e = exponent | 0; e > 0; e >>= 1) {
    if (e & 1) result *= square;
    square *= square;
  }
  return result;
}
