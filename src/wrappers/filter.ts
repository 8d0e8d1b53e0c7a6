import type { OptimizerClass } from "../define.js";
import { Optimizer } from "../optimizer.js";
import type { Reals } from "../real.js";
import { Wrapper } from "./wrapper.js";

type Arrays = Readonly<Record<string, Reals>>;

/**
 * What changes gradients on their way to an optimizer: its own `grads` are those that come in, and the optimizer's those that go
 * on. `nonFinite` holds for both; a step that only the latter forbid is one that the filter has taken. `gradScale` divides the latter:
 * where it changes, as with a loss scaler, divide the gradients before they come.
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
    // as with optimizers; the classes that are exported have nothing more
    if (Object.getPrototypeOf(new.target) === Filter) Object.preventExtensions(this);
  }

  override get grads(): Arrays {
    return this.#filter.grads;
  }

  override step(grads?: Arrays): this {
    if (!this.#pass(grads)) return this;
    this.optimizer.step();
    return this.#end(grads);
  }

  override async stepAsync(grads?: Arrays): Promise<this> {
    if (!this.#pass(grads)) return this;
    await this.optimizer.stepAsync();
    return this.#end(grads);
  }

  /** Hands the gradients on to the optimizer, unless the step is left out. */
  #pass(grads: Arrays | undefined): boolean {
    // if the optimizer refuses, nothing may have changed
    const { guard } = this.inside().check("step");
    const filter = Optimizer.core(this.#filter, "step");
    if (guard.refuses(filter, filter.take("step", grads))) return false;
    this.#filter.step(grads);
    return true;
  }

  #end(grads: Arrays | undefined): this {
    return (grads === undefined || grads === this.grads) && this.inside().guard.stages.clear ? this.zeroGrad() : this;
  }

  override zeroGrad(): this {
    this.#filter.zeroGrad();
    return this;
  }
}
