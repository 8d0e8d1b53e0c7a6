import { handBuffers, slots } from "./agree.js";
import { type Case, create, hyperparameters, loopName } from "./cases.js";
import { type Dtype, fill } from "./data.js";
import type { HandLoop, Reals } from "./hand.js";
import { batchFor, timeSteps } from "./measure.js";
import type { Native } from "./native.js";

/** One way to run a rule, set up for one size. */
export interface Contender {
  readonly name: string;
  /** Steps for about `milliseconds`; the median time of a step in nanoseconds. */
  turn(milliseconds: number): number | Promise<number>;
  /** Throws if the state has left the range of normal numbers; frees the memory. */
  close(): void;
}

/** The library on one of its backends, with a parameter of n elements. */
export function library(
  c: Case,
  dtype: Dtype,
  n: number,
  backend: "wasm" | "js",
  shape: readonly number[] = [n],
): Contender & { slots: number } {
  const optimizer = create(c, dtype, backend, { w: shape });
  fill(optimizer.params.w, optimizer.grads.w);
  const name = backend === "wasm" ? "wasm" : "twin";
  return {
    name,
    slots: slots(optimizer).length,
    turn: (milliseconds) => timeSteps(() => optimizer.step(), batchFor(n), milliseconds),
    close() {
      checkNormal(`${name} ${c.label} ${dtype}`, dtype, slots(optimizer));
      optimizer.dispose();
    },
  };
}

export function byHand(c: Case, dtype: Dtype, n: number, loop: HandLoop): Contender {
  const { p, g, state } = handBuffers(c, dtype, n);
  const [a, b, last] = state;
  const h = hyperparameters(c);
  let t = 0;
  return {
    name: "hand",
    turn: (milliseconds) => timeSteps(() => loop(p, g, h, ++t, a, b, last), batchFor(n), milliseconds),
    close: () => checkNormal(`hand ${c.label} ${dtype}`, dtype, state),
  };
}

export function compiled(c: Case, dtype: Dtype, n: number, native: Native): Contender {
  const h = hyperparameters(c);
  return {
    name: "gcc",
    turn: (milliseconds) => native.time(loopName(c), dtype, n, milliseconds, h),
    close: () => {},
  };
}

/** Subnormal numbers take several times as long as normal ones, NaN and infinity not: a time with them tells nothing. */
export function checkNormal(who: string, dtype: Dtype, state: readonly Reals[]): void {
  const smallest = dtype === "f32" ? 2 ** -126 : 2 ** -1022;
  for (const slot of state) {
    for (const x of slot) {
      if (Number.isFinite(x) && (x === 0 || Math.abs(x) >= smallest)) continue;
      throw new Error(`${who}: the state holds ${x} after the measurement, its time tells nothing`);
    }
  }
}
