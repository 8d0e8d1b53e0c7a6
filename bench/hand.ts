import type { Dtype } from "./data.js";

export type Reals = Float32Array | Float64Array;

/** The hyperparameters of a rule by name. */
export type Hyperparameters = Readonly<Record<string, number>>;

/** Step `t` = 1, 2, … of a rule written by hand; the state's slots come last, in the rule's order. */
export type HandLoop = (p: Reals, g: Reals, h: Hyperparameters, t: number, ...state: Reals[]) => void;

/**
 * The fastest plain JavaScript loop for each rule: doubles on typed arrays, scalars hoisted, each array read and written
 * once. Each dtype gets modules of its own (the query makes them two), as a user's code has one dtype: a loop that has
 * seen both kinds of array is slower.
 */
export async function handLoops(dtype: Dtype): Promise<Readonly<Record<string, HandLoop>>> {
  // as sources in the repository, built in the package
  const [ending] = /ts$|js$/.exec(import.meta.url.replace(/\?.*/, "")) ?? ["js"];
  const addresses = ["descent", "adaptive"].map(
    (name) => new URL(`./hand/${name}.${ending}?${dtype}`, import.meta.url),
  );
  return Object.assign({}, ...(await Promise.all(addresses.map((address) => import(address.href)))));
}
