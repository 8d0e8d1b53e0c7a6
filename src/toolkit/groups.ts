import { checkFlag, checkNumber, describe } from "../check.js";
import { isGroup, readGroups } from "../params.js";
import { power } from "../power.js";
import type { Init, ParamSet, Setting } from "../types.js";
import { checkReal, checkWhole, readOptions } from "./check.js";

/** Parameters by name; those of a list are named "0", "1", … */
export type Named<P> = P extends readonly unknown[]
  ? number extends P["length"]
    ? { readonly [name: `${number}`]: P[number] }
    : { readonly [K in Extract<keyof P, `${number}`>]: P[K] }
  : P;

/** A group as it is given to an optimizer, with options of its own. */
export type GroupInit = { readonly params: ParamSet; readonly [option: string]: unknown };

/** A group with other parameters: the types name all of those that it is made from, and it has some. */
type Part<G extends GroupInit> = G extends unknown
  ? Omit<G, "params"> & { readonly params: Named<G["params"]> }
  : never;

export interface NoDecayOptions {
  /** Names of further parameters that do not decay, or patterns that such names match. */
  readonly names?: readonly (string | RegExp)[];
  /** Whether those of one axis, or none, do not decay, such as biases and the weights of norms; default true. */
  readonly vectors?: boolean;
}

/**
 * Two groups, or two for each group: the parameters that decay, and those that do not, with `weightDecay: 0`. The first comes
 * without parameters if there are none that decay, and so does the second.
 *
 * ```
 * const opt = new AdamW(noDecay({ w: [784, 128], b: 128 }), { weightDecay: 0.1 });
 * ```
 *
 * Parameters keep their names, also those of a list. A name or a pattern that finds no parameter is an error.
 */
export function noDecay<const P extends ParamSet>(
  params: P,
  options?: NoDecayOptions,
): [{ readonly params: Named<P> }, { readonly params: Named<P>; readonly weightDecay: number }];
export function noDecay<const G extends readonly GroupInit[]>(
  groups: G,
  options?: NoDecayOptions,
): (Part<G[number]> & { readonly weightDecay?: number })[];
export function noDecay(params: unknown, options: NoDecayOptions = {}): unknown {
  const who = "noDecay";
  const { names, vectors } = readOptions(who, options, { names: [] as NoDecayOptions["names"], vectors: true });
  checkFlag(who, "vectors", vectors);
  const groups = membersOf(who, params);
  const found = new Set(
    namesLike(
      who,
      names,
      groups.flatMap(({ members }) => members),
    ),
  );
  const stays = ({ name, shape }: Member) => found.has(name) || (vectors && shape.length < 2);
  return groups.flatMap(({ members, overrides }) => [
    { ...overrides, params: asParams(members.filter((member) => !stays(member))) },
    { ...overrides, params: asParams(members.filter(stays)), weightDecay: 0 },
  ]);
}

export interface LayerDecayOptions {
  /** The rate of the last layer, for groups without one of their own: a number or a schedule. */
  readonly lr: Setting;
  /** What the rate of each layer is as a share of the next one's; default 0.75. */
  readonly decay?: number;
  /** The layer of a parameter: 0, 1, … from the input to the output. */
  readonly layerOf: (name: string) => number;
}

/**
 * A group for each layer, or for each layer of each group, with the rate `lr · decay^(last layer - layer)`.
 *
 * ```
 * const layerOf = (name) => Number(name.split(".")[1]);
 * const opt = new AdamW(layerDecay(noDecay(params), { lr: 1e-3, layerOf }));
 * ```
 *
 * @see Clark et al., 2020, ELECTRA (arXiv 2003.10555); Bao et al., 2021, BEiT (arXiv 2106.08254)
 */
export function layerDecay<const P extends ParamSet>(
  params: P,
  options: LayerDecayOptions,
): { readonly params: Named<P>; readonly lr: Setting }[];
export function layerDecay<const G extends readonly GroupInit[]>(
  groups: G,
  options: LayerDecayOptions,
): (Omit<Part<G[number]>, "lr"> & { readonly lr: Setting })[];
export function layerDecay(params: unknown, options: LayerDecayOptions): unknown {
  const who = "layerDecay";
  const { lr, decay, layerOf } = readOptions<Partial<LayerDecayOptions> & { decay: number }>(who, options, {
    lr: undefined,
    decay: 0.75,
    layerOf: undefined,
  });
  checkReal(who, "decay", decay, [0, 1, "closed"]);
  if (typeof layerOf !== "function") {
    throw new TypeError(`${who}: layerOf must be a function of a parameter's name, got ${describe(layerOf)}`);
  }
  const layerAt = ({ name }: Member) => checkWhole(who, `the layer of "${name}"`, layerOf(name), 0);
  const groups = membersOf(who, params).map(({ members, overrides }) => {
    const rate = checkRate(who, overrides.lr ?? lr);
    return { overrides, rate, members: members.map((member) => ({ ...member, layer: layerAt(member) })) };
  });
  const layers = groups.flatMap(({ members }) => members.map(({ layer }) => layer));
  const last = Math.max(...layers);
  const used = [...new Set(layers)].sort((a, b) => a - b);
  return groups.flatMap(({ members, overrides, rate }) =>
    used.flatMap((layer) => {
      const some = members.filter((member) => member.layer === layer);
      const lr = scaled(rate, power(decay, last - layer));
      return some.length === 0 ? [] : [{ ...overrides, params: asParams(some), lr }];
    }),
  );
}

interface Member {
  readonly name: string;
  readonly shape: readonly number[];
  readonly init: Init;
}

/** The groups' parameters as they were given, by the names that an optimizer gives them, and the groups' own options. */
function membersOf(who: string, params: unknown) {
  const given = Array.isArray(params) && params.some(isGroup) ? (params as { params: object }[]) : [{ params }];
  return readGroups(who, params).map(({ tensors, overrides }, i) => {
    const inits: Init[] = Object.values(given[i].params as object);
    return { overrides, members: tensors.map(({ name, shape }, k): Member => ({ name, shape, init: inits[k] })) };
  });
}

function asParams(members: readonly Member[]): Record<string, Init> {
  return Object.fromEntries(members.map(({ name, init }) => [name, init]));
}

/** The names that one of the patterns is for. Throws if one is for none. */
function namesLike(who: string, patterns: unknown, members: readonly Member[]): string[] {
  if (!Array.isArray(patterns)) {
    throw new TypeError(`${who}: names must be a list of names and patterns, got ${describe(patterns)}`);
  }
  return patterns.flatMap((pattern) => {
    if (typeof pattern !== "string" && !(pattern instanceof RegExp)) {
      throw new TypeError(`${who}: names must be strings or regular expressions, got ${describe(pattern)}`);
    }
    const names = members.map(({ name }) => name);
    // search, because test would begin where the last match of a global pattern ended
    const found = names.filter((name) => (typeof pattern === "string" ? name === pattern : name.search(pattern) >= 0));
    if (found.length > 0) return found;
    throw new RangeError(`${who}: no parameter has a name like ${pattern}, expected one of ${names.join(", ")}`);
  });
}

function checkRate(who: string, rate: unknown): Setting {
  return typeof rate === "function" ? (rate as Setting) : checkNumber(who, "lr", rate);
}

function scaled(rate: Setting, share: number): Setting {
  return typeof rate === "function" ? (step) => rate(step) * share : rate * share;
}
