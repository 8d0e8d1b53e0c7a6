import { checkChoice, checkFlag, checkNumber } from "./check.js";
import { clipFactor } from "./clip.js";
import type { Reals } from "./real.js";
import type { Convention, Kind, Range } from "./rule.js";
import type { Clock, GroupSettings } from "./settings.js";
import { type Placed, type Source, type Stages, type Store, unguarded } from "./store.js";
import type { Setting } from "./types.js";

/** What a step does about gradients that are not finite. */
export type NonFinite = "apply" | "skip" | "throw";

/** What a step goes over. */
interface Inside {
  readonly groups: readonly { readonly settings: GroupSettings; readonly store: Pick<Store, "measure"> }[];
  readonly tensors: readonly Placed[];
}

const ranges: Readonly<Record<string, Range>> = {
  gradScale: [Number.MIN_VALUE, Infinity],
  clipNorm: [0, Infinity, "closed"],
  clipValue: [0, Infinity, "closed"],
};

const settings = ["gradScale", "clipNorm", "clipValue"];

/** The options of every optimizer that guard its steps, with their defaults. */
export const guards = {
  gradScale: 1,
  clipNorm: undefined,
  clipValue: undefined,
  nonFinite: "apply",
  zeroGrad: false,
};

/** Scales and clips the gradients of all groups, and keeps those that are not finite from the parameters. */
export class Guard {
  readonly stages: Stages = { ...unguarded };
  /** The norm of all gradients when it was last measured, before it was clipped; NaN before. */
  gradNorm = Number.NaN;
  /** How many steps were left out. */
  skipped = 0;
  readonly #kind: Kind;
  readonly #clock: Clock;
  /** What the gradients are divided by, because they are the sum of several calls'. */
  readonly #divisor: number;
  readonly #settings: Record<string, Setting | NonFinite | undefined> = { gradScale: 1, nonFinite: "apply" };
  /** What they are in this step. */
  readonly #values: Record<string, number | undefined> = { gradScale: 1 };
  /** Whether there is nothing to do before a step. */
  #idle: boolean;
  /** The sum of the squares of all gradients, once the step has measured it. */
  #squares: number | undefined;

  constructor(kind: Kind, clock: Clock, divisor: number, options: Readonly<Record<string, unknown>>) {
    this.#kind = kind;
    this.#clock = clock;
    this.#divisor = divisor;
    this.stages.scale = 1 / divisor;
    this.#idle = !kind.clip;
    for (const name of Object.keys(options)) this.set(name, options[name]);
  }

  /** What the next step uses. */
  get(name: string): unknown {
    return name === "nonFinite" ? this.#settings[name] : this.#number(name, this.#settings[name]);
  }

  set(name: string, value: unknown): void {
    const who = this.#kind.rule.name;
    if ("minimize" in this.#kind.rule) throw new TypeError(`${who}: unknown option "${name}"`);
    if (name === "zeroGrad") this.stages.clear = checkFlag(who, name, value);
    else if (name === "nonFinite") this.#settings[name] = checkChoice(who, name, value, choices) as NonFinite;
    else {
      this.#values[name] = this.#number(name, value);
      this.#settings[name] = value as Setting | undefined;
    }
    const { gradScale, clipNorm, clipValue } = this.#settings;
    this.#idle = !this.#kind.clip && gradScale === 1 && clipNorm === undefined && clipValue === undefined;
    this.stages.scale = 1 / this.#divisor;
    this.stages.limit = Infinity;
  }

  /** Brings the values that follow a schedule up to date; throws before any is used if one is out of its range. */
  follow(): void {
    for (let i = 0; i < settings.length && !this.#idle; i++) {
      this.#values[settings[i]] = this.get(settings[i]) as number | undefined;
    }
  }

  /**
   * Whether the gradients are kept from the step because they are not finite, or what they come to if they are added to those before;
   * throws where that is asked for.
   */
  refuses(inside: Inside, source: Source, adds = false): boolean {
    this.#squares = undefined;
    const { nonFinite } = this.#settings;
    if (nonFinite === "apply") return false;
    let norm = Math.sqrt(this.#measure(inside, source));
    if (adds) norm += Math.sqrt(squaresOf(inside, "gradSum"));
    // what is as small as this is finite, and so is its sum
    if (norm < 2 ** 127) return false;
    const own = firstNonFinite(inside.tensors, source, false);
    const found = own ?? (adds && firstNonFinite(inside.tensors, source, true));
    if (!found) return false;
    if (nonFinite === "throw") throw new RangeError(`step: ${found}, expected finite numbers`);
    this.skipped++;
    // a sum that cannot be had begins anew
    if (!own) this.#clock.called = 0;
    return true;
  }

  /** Writes how a step prepares the gradients. */
  prepare(inside: Inside, source: Source): void {
    const { stages } = this;
    // what was measured are those that came last
    if (source === "gradSum") this.#squares = undefined;
    stages.source = source;
    stages.plain = this.#idle && source === "grads" && !stages.clear;
    const scale = 1 / ((this.#values.gradScale as number) * this.#divisor);
    if (!this.#idle) this.#clip(inside, source, scale);
    if (this.#squares !== undefined) this.gradNorm = this.#norm(inside, source, scale);
  }

  #clip(inside: Inside, source: Source, scale: number): void {
    const { stages } = this;
    const { clipNorm: max, clipValue = Infinity } = this.#values;
    const { values } = inside.groups[0].settings;
    const convention = values.convention as Convention;
    const factor = max === undefined ? 1 : clipFactor(this.#norm(inside, source, scale), max, convention);
    stages.scale = scale * factor * (this.#kind.clip ? this.#clipOfRule(inside, source, scale, factor) : 1);
    stages.limit = clipValue;
  }

  // apart, because the closure in it takes memory at every call
  #clipOfRule(inside: Inside, source: Source, scale: number, factor: number): number {
    const { values } = inside.groups[0].settings;
    return this.#kind.clip?.(values, () => this.#norm(inside, source, scale) * factor) ?? 1;
  }

  #norm(inside: Inside, source: Source, scale: number): number {
    return Math.sqrt(this.#measure(inside, source)) * scale;
  }

  #measure(inside: Inside, source: Source): number {
    this.#squares ??= squaresOf(inside, source);
    return this.#squares;
  }

  #number(name: string, setting: unknown): number | undefined {
    const value = typeof setting === "function" ? setting(this.#clock.steps) : setting;
    if (value === undefined && name !== "gradScale") return value;
    return checkNumber(this.#kind.rule.name, name, value, ranges[name]);
  }
}

const choices: readonly NonFinite[] = ["apply", "skip", "throw"];

function squaresOf({ groups, tensors }: Inside, source: Source): number {
  for (let i = 0; i < groups.length; i++) groups[i].store.measure(source);
  let sum = 0;
  for (let i = 0; i < tensors.length; i++) sum += tensors[i].squares;
  return sum;
}

/** What is wrong with the first gradient that is not finite, or that is not if it is added, in the order of the parameters. */
function firstNonFinite(tensors: readonly Placed[], source: Source, adds: boolean): string | undefined {
  for (const { name, frozen, grads, given, state } of tensors) {
    if (frozen) continue;
    const g = source === "grads" ? grads : (given as Reals);
    const x = adds ? g.map((gi, i) => gi + state.gradSum[i]) : g;
    const index = x.findIndex((xi) => !Number.isFinite(xi));
    if (index >= 0) return `${adds ? "the sum of gradients" : "gradient"} "${name}" is ${x[index]} at index ${index}`;
  }
  return undefined;
}
