// The powers of a few bases that were asked for last: a step asks for the same bases as the one before, with exponents one larger.
const SLOTS = 8;
const bases = new Float64Array(SLOTS).fill(Number.NaN);
const exponents = new Float64Array(SLOTS);
const powers = new Float64Array(SLOTS);

/**
 * base^exponent for a whole exponent >= 0, by multiplications only, so that every engine has the same bits: the power of the
 * exponent's multiple of 256, which stays for as many steps, times that of the rest. Without keeping it a small step takes half as
 * long again after a million steps. Functions that return numbers are not called where it can be inlined: each would take memory.
 */
export function power(base: number, exponent: number): number {
  let start = 1;
  let rest = exponent;
  if (exponent >= 256) {
    rest = exponent % 256;
    const slot = (base * 4096) & (SLOTS - 1);
    if (bases[slot] !== base || exponents[slot] !== exponent - rest) keep(slot, base, exponent - rest);
    start = powers[slot];
  }
  let result = 1;
  let square = base;
  for (let e = rest | 0; e > 0; e >>= 1) {
    if (e & 1) result *= square;
    square *= square;
  }
  return start * result;
}

function keep(slot: number, base: number, exponent: number): void {
  bases[slot] = base;
  exponents[slot] = exponent;
  powers[slot] = ofMany(base, exponent);
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
