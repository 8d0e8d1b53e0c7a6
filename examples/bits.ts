type Reals = Float32Array | Float64Array;

/** Whether two arrays hold the same bits, -0 and 0 kept apart; any NaN equals any NaN. */
export function sameBits(a: Reals, b: Reals): boolean {
  if (a.constructor !== b.constructor || a.length !== b.length) return false;
  return a.every((value, index) => Object.is(value, b[index]));
}
