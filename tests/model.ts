// An optimizer in plain float64: what its options, its groups and freezing mean, each said once, over the formulas of some rules.
import { type Formula, formulas, type Numbers, norm, type Values } from "./formulas.js";
import type { Options } from "./tables.js";

type Arrays = Record<string, Float64Array>;

/** A parameter: all its numbers by name, the average `ema` and the sum `gradSum` among them. */
export interface Param {
  readonly width: number;
  readonly x: Arrays;
  readonly g: Float64Array;
  group: number;
  frozen: boolean;
  started: boolean;
}

/** Rows of a gradient: the indices, and the numbers of each. */
export type Rows = readonly (readonly [index: number, row: Float64Array])[];

export class Model {
  readonly params = new Map<string, Param>();
  readonly groups: { readonly options: Options; steps: number; memory: Numbers }[] = [];
  readonly guard: Options;
  steps = 0;
  skipped = 0;
  gradNorm = Number.NaN;
  called = 0;
  readonly #formula: Formula;

  constructor(name: string, guard: Options) {
    this.#formula = formulas[name];
    this.guard = { gradScale: 1, nonFinite: "apply", accumulate: 1, accumulation: "mean", ...guard };
  }

  addGroup(options: Options, params: Readonly<Record<string, { readonly p: Float64Array; readonly width: number }>>) {
    const group = this.groups.push({ options: { ...options }, steps: 0, memory: { ...this.#formula.memory } }) - 1;
    for (const [name, { p, width }] of Object.entries(params)) {
      const x: Arrays = { p: p.slice(), gradSum: p.slice().fill(0) };
      const slots: Record<string, number | "params"> = this.#formula.slots(this.#values(group));
      if (options.ema !== 0) slots.ema = "params";
      for (const [slot, from] of Object.entries(slots)) x[slot] = p.slice().fill(from === "params" ? 0 : from);
      this.params.set(name, { width, x, g: p.slice().fill(0), group, frozen: false, started: false });
    }
  }

  move(names: readonly string[], to: number): void {
    const moved = names.map((name) => this.params.get(name) as Param).filter(({ group }) => group !== to);
    if (moved.length > 0 && this.#of(to).length === 0) {
      const { steps, memory } = this.groups[moved[0].group];
      Object.assign(this.groups[to], { steps, memory: { ...memory } });
    }
    for (const param of moved) param.group = to;
  }

  /** A step with the gradients handed over, or those in `g`. */
  step(given?: Arrays): void {
    const { accumulate, accumulation, zeroGrad } = this.guard;
    const active = [...this.params].filter(([, { frozen }]) => !frozen);
    const each = active.map(([name, param]) => [param, (given?.[name] ?? param.g).slice()] as const);
    const clear = () => zeroGrad && !given && active.map(([, { g }]) => g.fill(0));
    const sums = each.map(([{ x }, g]) => [g, this.called === 0 ? g : x.gradSum.map((sum, i) => sum + g[i])] as const);
    if (this.#leavesOut(sums)) {
      clear();
      return;
    }
    clear();
    if (this.called === 0) for (const { x } of this.params.values()) x.gradSum.fill(0);
    for (const [i, [{ x }]] of each.entries()) x.gradSum.set(sums[i][1]);
    this.called = (this.called + 1) % (accumulate as number);
    if (this.called > 0) return;
    const factor = 1 / (accumulation === "mean" ? (accumulate as number) : 1);
    const prepared = this.#prepare(each.map(([{ x }]) => x.gradSum.map((sum) => sum * factor)));
    for (const group of this.groups.keys()) {
      this.#begin(group, (now) => {
        for (const [i, [param]] of each.entries())
          if (param.group === group) this.#update(param, param.x, prepared[i], now);
      });
    }
    for (const [{ x, group }] of each) {
      const { ema } = this.#values(group);
      if (x.ema) for (const i of x.p.keys()) x.ema[i] = ema * x.ema[i] + (1 - ema) * x.p[i];
    }
    this.steps++;
  }

  /** A step of rows. */
  stepRows(grads: Readonly<Record<string, Rows>>): void {
    const all = Object.entries(grads).flatMap(([name, rows]) => {
      const param = this.params.get(name) as Param;
      const sums = new Map<number, Float64Array>();
      for (const [index, row] of rows) sums.set(index, sums.get(index)?.map((sum, i) => sum + row[i]) ?? row);
      return param.frozen ? [] : [...sums].map(([index, row]) => ({ param, index, row }));
    });
    if (this.#leavesOut(all.map(({ row }) => [row, row]))) return;
    const prepared = this.#prepare(all.map(({ row }) => row));
    const touched = new Set(
      Object.keys(grads)
        .map((name) => this.params.get(name) as Param)
        .filter(({ frozen }) => !frozen),
    );
    for (const group of new Set([...touched].map((param) => param.group))) {
      this.#begin(group, (now) => {
        for (const [i, { param, index }] of all.entries()) {
          const at = (x: Float64Array) => x.subarray(index * param.width, (index + 1) * param.width);
          const part = Object.fromEntries(Object.entries(param.x).map(([slot, x]) => [slot, at(x)]));
          if (param.group === group) this.#update(param, part, prepared[i], now);
        }
      });
    }
    this.steps++;
  }

  #of(group: number): Param[] {
    return [...this.params.values()].filter((param) => param.group === group);
  }

  #values(group: number): Values {
    const now = (value: unknown) => (typeof value === "function" ? value(this.steps) : value);
    const values = Object.entries(this.groups[group].options).map(([name, value]) => [name, now(value)]);
    return Object.fromEntries(values);
  }

  /** Whether a call is left out: gradients or what they come to with those before are not finite. */
  #leavesOut(grads: readonly (readonly [g: Float64Array, sum: Float64Array])[]): boolean {
    const areFinite = (k: 0 | 1) => grads.every((pair) => pair[k].every(Number.isFinite));
    if (this.guard.nonFinite === "apply" || areFinite(1)) return false;
    if (this.guard.nonFinite === "throw") throw new RangeError("expected finite numbers");
    this.skipped++;
    if (areFinite(0)) this.called = 0;
    return true;
  }

  /** Scales and clips gradients. */
  #prepare(grads: readonly Float64Array[]): Float64Array[] {
    const now = (name: string) => {
      const value = this.guard[name];
      return (typeof value === "function" ? value(this.steps) : value) as number | undefined;
    };
    const scaled = grads.map((g) => g.map((gi) => gi / (now("gradScale") as number)));
    const [most, limit] = [now("clipNorm"), now("clipValue") ?? Infinity];
    const size = norm(scaled.flatMap((g) => [...g]));
    const { convention } = this.#values(0);
    const exact = convention === "optax" || convention === "keras";
    let factor = 1;
    if (most !== undefined) factor = exact ? (size > most ? most / size : 1) : Math.min(1, most / (size + 1e-6));
    // Keras makes every gradient NaN where the norm is not finite
    if (most !== undefined && convention === "keras") factor += size - size;
    if (most !== undefined || (this.guard.nonFinite !== "apply" && this.guard.accumulate === 1)) this.gradNorm = size;
    return scaled.map((g) => g.map((gi) => Math.max(-limit, Math.min(limit, gi * factor))));
  }

  /** Begins a group's next step: what starts from the parameters does. */
  #begin(group: number, update: (now: Numbers) => void): void {
    const own = this.groups[group];
    const values = this.#values(group);
    own.steps++;
    const params = this.#of(group);
    for (const param of params) {
      if (param.frozen || param.started) continue;
      param.started = true;
      const slots: Record<string, unknown> = { ema: "params", ...this.#formula.slots(values) };
      for (const [slot, x] of Object.entries(param.x)) if (slots[slot] === "params") x.set(param.x.p);
    }
    update(params.length > 0 ? (this.#formula.begin?.(values, own.steps, own.memory) ?? {}) : {});
  }

  #update({ group }: Param, x: Arrays, gradient: Float64Array, now: Numbers): void {
    const h = this.#values(group);
    const { element, ratio, decays } = this.#formula;
    const shrinks = h.decoupled || h.convention === "keras";
    const g = gradient.map((gi) => (h.maximize ? -gi : gi));
    if (!decays?.(h)) {
      for (const i of g.keys()) {
        // coupled, it is part of the gradient; decoupled, the weights shrink first
        if (shrinks) x.p[i] *= 1 - h.lr * h.weightDecay;
        else if (h.weightDecay !== 0) g[i] += h.weightDecay * x.p[i];
      }
    }
    const all = { ...now, ratio: ratio?.(x.p, g, h) ?? 1 };
    for (const i of g.keys()) {
      const one = Object.fromEntries(Object.entries(x).map(([slot, numbers]) => [slot, numbers[i]]));
      element(one, g[i], { ...h, decoupled: decays?.(h) }, this.groups[group].steps, all);
      for (const slot of Object.keys(x)) x[slot][i] = one[slot];
    }
  }
}
