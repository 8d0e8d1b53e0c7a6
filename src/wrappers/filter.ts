import type { OptimizerClass } from "../define.js";
import { Optimizer } from "../optimizer.js";
import type { Reals } from "../real.js";
import type { Source } from "../store.js";
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
    const source = this.#take(grads);
    if (this.#pass(source, grads)) this.optimizer.step();
    return this.#end(source);
  }

  override async stepAsync(grads?: Arrays): Promise<this> {
    const source = this.#take(grads);
    if (this.#pass(source, grads)) await this.optimizer.stepAsync();
    return this.#end(source);
  }

  /** Takes gradients; if the optimizer refuses, nothing may have changed. */
  #take(grads: Arrays | undefined): Source {
    this.inside().check("step");
    return Optimizer.core(this.#filter, "step").take("step", grads);
  }

  /** Hands the gradients on to the optimizer, unless the step is left out. */
  #pass(source: Source, grads: Arrays | undefined): boolean {
    if (this.inside().guard.refuses(Optimizer.core(this.#filter, "step"), source)) return false;
    this.#filter.step(grads);
    return true;
  }

  #end(source: Source): this {
    Optimizer.core(this.#filter, "step").clear(source, this.inside().guard);
    return this;
  }

  override zeroGrad(): this {
    this.#filter.zeroGrad();
    return this;
  }
}
