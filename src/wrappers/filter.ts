import type { OptimizerClass } from "../define.js";
import { Optimizer } from "../optimizer.js";
import type { Reals } from "../real.js";
import { Wrapper } from "./wrapper.js";

/**
 * What changes gradients on their way to an optimizer: its own `grads` are those that come in, and the optimizer's those that go
 * on.
 */
export abstract class Filter extends Wrapper {
  readonly #filter: Optimizer;

  /** `made` is a class whose step writes what becomes of its gradients to its parameters. */
  constructor(made: unknown, optimizer: unknown, options: unknown) {
    super(made, optimizer);
    const { rule } = this.inside().kind;
    if ("minimize" in rule) {
      throw new TypeError(
        `${(made as OptimizerClass).rule.name}: ${rule.name} evaluates the loss itself, at several points`,
      );
    }
    this.#filter = this.keep(made, options, (name) => this.optimizer.grads[name]);
  }

  override get grads(): Readonly<Record<string, Reals>> {
    return this.#filter.grads;
  }

  override step(grads?: Readonly<Record<string, Reals>>): this {
    // if the optimizer refuses, nothing may have changed
    const { guard } = this.inside().check("step");
    const filter = Optimizer.core(this.#filter, "step");
    if (guard.refuses(filter, filter.take("step", grads))) return this;
    this.#filter.step(grads);
    this.optimizer.step();
    if (guard.stages.clear && grads === undefined) this.zeroGrad();
    return this;
  }

  override zeroGrad(): this {
    this.#filter.zeroGrad();
    return this;
  }
}
