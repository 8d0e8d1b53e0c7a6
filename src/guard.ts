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
  readonly #settings: Record<string, Setting | undefined> = { gradScale: 1 };
  #nonFinite: NonFinite = "apply";
  /** Whether there is nothing to do before a step. */
  #idle: boolean;
  /** The sum of the squares of all gradients, once the step has measured it. */
  #squares: number | undefined;
  /** Of which gradients it is. */
  #measured: Source = "grads";

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
    return name === "nonFinite" ? this.#nonFinite : this.#read(name);
  }

  set(name: string, value: unknown): void {
    const who = this.#kind.rule.name;
    if ("minimize" in this.#kind.rule) throw new TypeError(`${who}: unknown option "${name}"`);
    if (name === "zeroGrad") this.stages.clear = checkFlag(who, name, value);
    else if (name === "nonFinite") this.#nonFinite = checkChoice(who, name, value, choices) as NonFinite;
    else this.#write(name, value as Setting | undefined);
    const { gradScale, clipNorm, clipValue } = this.#settings;
    this.#idle = !this.#kind.clip && gradScale === 1 && clipNorm === undefined && clipValue === undefined;
    this.stages.scale = 1 / this.#divisor;
    this.stages.limit = Infinity;
  }

  #write(name: string, value: Setting | undefined): void {
    const before = this.#settings[name];
    this.#settings[name] = value;
    try {
      this.#read(name);
    } catch (error) {
      this.#settings[name] = before;
      throw error;
    }
  }

  /**
   * Whether the gradients are kept from the step because they are not finite; throws where that is asked for, or if a schedule gives
   * what is out of its range.
   */
  refuses(inside: Inside, source: Source): boolean {
    this.#squares = undefined;
    for (let i = 0; i < settings.length && !this.#idle; i++) this.#read(settings[i]);
    if (this.#nonFinite === "apply" || Number.isFinite(this.#measure(inside, source))) return false;
    const found = firstNonFinite(inside.tensors, source);
    if (!found) return false;
    if (this.#nonFinite === "throw") {
      const { name, value, index } = found;
      throw new RangeError(`step: gradient "${name}" is ${value} at index ${index}, expected finite numbers`);
    }
    this.skipped++;
    if (this.stages.clear && source === "grads") {
      for (const { grads, frozen } of inside.tensors) if (!frozen) grads.fill(0);
    }
    return true;
  }

  /** Writes how a step prepares the gradients. */
  prepare(inside: Inside, source: Source): void {
    const { stages } = this;
    if (source !== this.#measured) this.#squares = undefined;
    stages.source = source;
    stages.plain = this.#idle && source === "grads" && !stages.clear;
    if (!this.#idle) this.#clip(inside, source);
    if (this.#squares !== undefined) {
      this.gradNorm = this.#norm(inside, source, 1 / ((this.#read("gradScale") as number) * this.#divisor));
    }
  }

  #clip(inside: Inside, source: Source): void {
    const { stages } = this;
    const { values } = inside.groups[0].settings;
    const scale = 1 / ((this.#read("gradScale") as number) * this.#divisor);
    const max = this.#read("clipNorm");
    const convention = values.convention as Convention;
    const factor = max === undefined ? 1 : clipFactor(this.#norm(inside, source, scale), max, convention);
    stages.scale = scale * factor * (this.#kind.clip ? this.#clipOfRule(inside, source, scale, factor) : 1);
    stages.limit = this.#read("clipValue") ?? Infinity;
  }

  // apart, because the closure in it takes memory at every call
  #clipOfRule(inside: Inside, source: Source, scale: number, factor: number): number {
    const { values } = inside.groups[0].settings;
    return this.#kind.clip?.(values, () => this.#norm(inside, source, scale) * factor) ?? 1;
  }

  #norm(inside: Inside, source: Source, scale: number): number {
    return Math.sqrt(this.#measure(inside, source)) * scale;
  }

  #measure({ groups, tensors }: Inside, source: Source): number {
    if (this.#squares !== undefined) return this.#squares;
    for (let i = 0; i < groups.length; i++) groups[i].store.measure(source);
    let sum = 0;
    for (let i = 0; i < tensors.length; i++) sum += tensors[i].squares;
    this.#squares = sum;
    this.#measured = source;
    return sum;
  }

  #read(name: string): number | undefined {
    const setting = this.#settings[name];
    const value = typeof setting === "function" ? setting(this.#clock.steps) : setting;
    const who = this.#kind.rule.name;
    return value === undefined && name !== "gradScale" ? value : checkNumber(who, name, value, ranges[name]);
  }
}

const choices: readonly NonFinite[] = ["apply", "skip", "throw"];

/** The first gradient that is not finite, in the order of the parameters. */
function firstNonFinite(tensors: readonly Placed[], source: Source) {
  for (const { name, frozen, grads, given, state } of tensors) {
    if (frozen) continue;
    const g = source === "grads" ? grads : source === "given" ? (given as Reals) : (state.gradSum as Reals);
    const index = g.findIndex((x) => !Number.isFinite(x));
    if (index >= 0) return { name, index, value: g[index] };
  }
  return undefined;
}
