/**
 * base^exponent for a whole exponent >= 0, by repeated squaring: multiplications only, so that every engine has the same bits.
 */
export function power(base: number, exponent: number): number {
  if (exponent >= 2 ** 31) return powerOfMany(base, exponent);
  let result = 1;
  let square = base;
  for (let e = exponent | 0; e > 0; e >>= 1) {
    if (e & 1) result *= square;
    square *= square;
  }
  return result;
}

// apart, so that the other stays small enough to be inlined
function powerOfMany(base: number, exponent: number): number {
  return power(power(base, 2 ** 16), Math.floor(exponent / 2 ** 16)) * power(base, exponent % 2 ** 16);
}
