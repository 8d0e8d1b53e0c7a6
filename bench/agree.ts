import { type Case, create, hyperparameters, loopName, type Steppable } from "./cases.js";
import { arrays, type Dtype, fill } from "./data.js";
import type { HandLoop, Reals } from "./hand.js";
import type { Native } from "./native.js";

const length = 1003;
const steps = 5;

/** Throws unless all contenders of a case compute the same: the twin and C the same bits, JavaScript by hand nearly. */
export function checkAgreement(c: Case, dtype: Dtype, hand?: HandLoop, native?: Native): void {
  const expected = buffersAfter(c, dtype, "wasm");
  const twin = buffersAfter(c, dtype, "js");
  for (const [i, buffer] of expected.entries()) sameBits(`${c.label} ${dtype}: the twin`, buffer, twin[i]);
  if (hand) {
    const start = handBuffers(c, dtype, length);
    const got = handAfter(c, dtype, hand);
    for (const [i, buffer] of expected.entries()) {
      closeEnough(`${c.label} ${dtype}: JavaScript by hand`, dtype, buffer, got[i], i === 0 ? start.p : undefined);
    }
  }
  if (native) {
    const bytes = native.bits(loopName(c), dtype, length, steps, hyperparameters(c));
    for (const [i, buffer] of expected.entries()) {
      const start = bytes.byteOffset + i * buffer.byteLength;
      const from = bytes.buffer.slice(start, start + buffer.byteLength) as ArrayBuffer;
      sameBits(`${c.label} ${dtype}: C`, buffer, new arrays[dtype](from));
    }
  }
}

/** The parameters and the state of a case after some steps. */
function buffersAfter(c: Case, dtype: Dtype, backend: "wasm" | "js"): Reals[] {
  const optimizer = create(c, dtype, backend, { w: length });
  fill(optimizer.params.w, optimizer.grads.w);
  for (let i = 0; i < steps; i++) optimizer.step();
  const buffers = [optimizer.params.w, ...slots(optimizer)].map((buffer) => buffer.slice());
  optimizer.dispose();
  return buffers;
}

function handAfter(c: Case, dtype: Dtype, loop: HandLoop): Reals[] {
  const { p, g, state } = handBuffers(c, dtype, length);
  const h = hyperparameters(c);
  for (let t = 1; t <= steps; t++) loop(p, g, h, t, ...state);
  return [p, ...state];
}

/** Arrays for a loop by hand, filled as the library fills its own. */
export function handBuffers(c: Case, dtype: Dtype, n: number): { p: Reals; g: Reals; state: Reals[] } {
  const optimizer = create(c, dtype, "wasm", { w: 1 });
  const state = slots(optimizer).map((slot) => new arrays[dtype](n).fill(slot[0]));
  optimizer.dispose();
  const p = new arrays[dtype](n);
  const g = new arrays[dtype](n);
  fill(p, g);
  return { p, g, state };
}

/** The state's buffers in the rule's order. */
export function slots(optimizer: Steppable): Reals[] {
  return Object.values(optimizer.state.w);
}

export function sameBits(who: string, expected: Reals, got: Reals): void {
  const at = expected.findIndex((x, i) => !Object.is(x, got[i]));
  if (at !== -1) throw new Error(`${who} differs from the library: element ${at} is ${got[at]}, not ${expected[at]}`);
}

/** With `start`, the change since then is held to a tolerance: a wrong step does not hide behind a large parameter. */
export function closeEnough(
  who: string,
  dtype: Dtype,
  expected: Reals,
  got: Reals,
  start?: Reals,
  relative = dtype === "f32" ? 1e-5 : 1e-12,
): void {
  const ulp = dtype === "f32" ? 2 ** -23 : 2 ** -52;
  const off = (x: number, i: number) => {
    const rounding = 2 * steps * ulp * Math.max(Math.abs(x), 1e-3);
    return !(Math.abs(got[i] - x) <= relative * Math.abs(x - (start?.[i] ?? 0)) + (start ? rounding : 0));
  };
  const at = expected.findIndex(off);
  if (at !== -1) throw new Error(`${who} differs from the library: element ${at} is ${got[at]}, not ${expected[at]}`);
}
