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
  /** Whether all state of the optimizer but that of frozen parameters starts anew then, as optax can have it; default false. */
  readonly resetState?: boolean;
}

/** The steps before a step, and the parameters that it moves for the first time. */
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
  /** What remembers the slow weights, and the slow momentum if there is one. */
  readonly #slow: Optimizer[];
  readonly #options: Required<LookaheadOptions>;

  constructor(optimizer: unknown, options: unknown = {}) {
    super(Slow, optimizer);
    this.#slow = [this.keep(Slow, options, (name) => this.params[name])];
    this.#options = this.#slow[0] as unknown as Required<LookaheadOptions>;
    const { pullbackMomentum: how } = this.#options;
    try {
      if (how !== "none" && !Object.values(this.base.state).some(({ buf }) => buf)) {
        throw new RangeError(`Lookahead: pullbackMomentum "${how}" needs momentum in a slot buf, got none`);
      }
      if (how === "pullback") {
        this.#slow.push(this.keep(SlowMomentum, options, (name) => this.base.state[name].buf as Reals | undefined));
      }
    } catch (error) {
      this.#slow[0].dispose();
      throw error;
    }
    this.#start(() => true);
    // a misspelt option would be taken silently; a class of the caller's may have more
    if (new.target === Lookahead) Object.preventExtensions(this);
  }

  override step(grads?: unknown): unknown {
    return this.#end(this.#begin(), this.optimizer.step(grads as never));
  }

  override async stepAsync(grads?: unknown): Promise<unknown> {
    return this.#end(this.#begin(), await this.optimizer.stepAsync(grads as never));
  }

  /** What the step must know of what was before it, for one that is refused changes nothing. */
  #begin(): Begun {
    const first = this.inside().tensors.filter(({ started, frozen }) => !started && !frozen);
    return { steps: this.steps, starts: first.map(({ name, params }) => [name, params.slice()]) };
  }

  #end({ steps, starts }: Begun, result: unknown): unknown {
    // a call need not make a step
    if (this.steps > steps) this.#follow(starts);
    return result === this.optimizer ? this : result;
  }

  #follow(starts: Begun["starts"]): void {
    const { k, pullbackMomentum, resetState } = this.#options;
    for (const [name, start] of starts) this.#slow[0].state[name].slow.set(start);
    if (this.steps % k !== 0) return;
    for (const slow of this.#slow) slow.step();
    if (pullbackMomentum === "reset") {
      for (const { state, frozen } of this.inside().tensors) if (!frozen) state.buf?.fill(0);
    }
    if (resetState) restart(this.optimizer);
  }

  override plan(dict: StateDict, options: LoadOptions): () => LoadResult {
    const load = super.plan(dict, options);
    return () => {
      const result = load();
      this.#start((slot) => result.missing.includes(slot));
      return result;
    };
  }

  /** What is slow starts as what it follows. */
  #start(lacks: (slot: string) => boolean): void {
    for (const { params, state } of this.#slow) {
      for (const [name, slots] of Object.entries(state)) {
        for (const [slot, x] of Object.entries(slots)) if (lacks(`${name}.${slot}`)) x.set(params[name]);
      }
    }
  }
} as unknown as {
  new <O extends Wrappable>(optimizer: O, options?: LookaheadOptions): Wrapped<O>;
};
