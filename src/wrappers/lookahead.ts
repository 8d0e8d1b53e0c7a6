import { defineTensorOptimizer } from "../define.js";
import type { Optimizer } from "../optimizer.js";
import type { Reals } from "../real.js";
import type { LoadOptions, LoadResult, StateDict } from "../state-dict.js";
import { restart, type Wrappable, type Wrapped, Wrapper } from "./wrapper.js";

export interface LookaheadOptions {
  /** How many steps of the optimizer go to one of the slow weights; default 6. */
  readonly k?: number;
  /** How far the slow weights go towards the parameters; default 0.5. */
  readonly alpha?: number;
  /** What happens to the momentum `buf` then: nothing, or it is set to zero, or goes as the parameters do; default "none". */
  readonly pullbackMomentum?: "none" | "reset" | "pullback";
  /** Whether all state of the optimizer starts anew then, as optax can have it; default false. */
  readonly resetState?: boolean;
}

/** The steps before a step, and the parameters that have taken none. */
interface Begun {
  readonly steps: number;
  readonly starts: readonly (readonly [name: string, start: Reals])[];
}

const Slow = /* @__PURE__ */ remembering("slow");
const SlowMomentum = /* @__PURE__ */ remembering("slowMomentum");

/** An optimizer that takes its parameters a share of the way that they have come since its last step, from where they were then. */
function remembering(slot: string) {
  return defineTensorOptimizer({
    name: "Lookahead",
    defaults: { k: 6, alpha: 0.5, pullbackMomentum: "none", resetState: false },
    ranges: { k: [1, Infinity] },
    choices: { pullbackMomentum: ["none", "reset", "pullback"] },
    conflict: ({ k }) => (Number.isInteger(k) ? undefined : `k must be a whole number, got ${k}`),
    state: () => ({ [slot]: 0 }),
    passes: [
      {
        tensor(x, { alpha }) {
          const start = x.state[slot];
          x.combine(start, alpha, x.p, 1 - alpha, start);
          x.scale(x.p, 1, start);
        },
      },
    ],
    twins: { f32: {}, f64: {} },
  });
}

/**
 * Lookahead: slow weights that follow an optimizer. After every `k` steps they go the share `alpha` of the way to the parameters,
 * which then go back to them. They are the slot `slow` of the state, and start as the parameters do.
 *
 * @remarks Use it around any optimizer, for less variance and less dependence on the rate.
 * @see Zhang et al., 2019, Lookahead Optimizer: k steps forward, 1 step back (arXiv 1907.08610)
 */
export const Lookahead = class Lookahead extends Wrapper {
  readonly #slow: Optimizer;
  readonly #slowMomentum: Optimizer | undefined;
  readonly #options: Required<LookaheadOptions>;
  /** Whether there may be parameters that the next step is the first of. */
  #fresh = true;

  constructor(optimizer: unknown, options: unknown = {}) {
    super(Slow, optimizer);
    this.#slow = this.keep(Slow, options, (name) => this.params[name]);
    this.#options = this.#slow as unknown as Required<LookaheadOptions>;
    const { pullbackMomentum } = this.#options;
    if (pullbackMomentum !== "none" && !Object.values(this.state).some(({ buf }) => buf)) {
      throw new RangeError(`Lookahead: pullbackMomentum "${pullbackMomentum}" needs momentum in a slot buf, got none`);
    }
    if (pullbackMomentum === "pullback") {
      this.#slowMomentum = this.keep(SlowMomentum, options, (name) => this.state[name].buf as Reals | undefined);
    }
    this.#start(Object.keys(this.params));
  }

  override step(grads?: unknown): unknown {
    const begun = this.#begin();
    const result = this.optimizer.step(grads as never);
    this.#end(begun);
    return result === this.optimizer ? this : result;
  }

  override async stepAsync(grads?: unknown): Promise<unknown> {
    const begun = this.#begin();
    const result = await this.optimizer.stepAsync(grads as never);
    this.#end(begun);
    return result === this.optimizer ? this : result;
  }

  /** What the step must know of what was before it, for one that is refused changes nothing. */
  #begin(): Begun {
    const all = this.#fresh ? this.inside().tensors : [];
    const fresh = all.filter(({ started, frozen }) => !started && !frozen);
    const starts = fresh.map(({ name, params }) => [name, params.slice()] as const);
    return { steps: this.steps, starts };
  }

  #end({ steps, starts }: Begun): void {
    const { k, pullbackMomentum, resetState } = this.#options;
    // a call need not make a step
    if (this.steps === steps) return;
    this.#fresh = false;
    for (const [name, start] of starts) this.#slow.state[name].slow.set(start);
    if (this.steps % k !== 0) return;
    this.#slow.step();
    this.#slowMomentum?.step();
    if (pullbackMomentum === "reset") {
      for (const { state, frozen } of this.inside().tensors) if (!frozen) state.buf?.fill(0);
    }
    if (resetState) restart(this.optimizer);
  }

  override addGroup(group: never): this {
    this.#fresh = true;
    return super.addGroup(group);
  }

  override unfreeze(names: never): this {
    this.#fresh = true;
    return super.unfreeze(names);
  }

  override plan(dict: StateDict, options: LoadOptions): () => LoadResult {
    const load = super.plan(dict, options);
    return () => {
      const result = load();
      this.#fresh = true;
      // without slow weights they start anew
      this.#start(Object.keys(this.params).filter((name) => result.missing.includes(`${name}.slow`)));
      return result;
    };
  }

  #start(names: readonly string[]): void {
    for (const name of names) this.#slow.state[name].slow.set(this.params[name]);
  }
} as unknown as {
  new <O extends Wrappable>(optimizer: O, options?: LookaheadOptions): Wrapped<O>;
};
