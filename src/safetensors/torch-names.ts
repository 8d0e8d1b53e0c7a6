// What PyTorch calls the state and the options of its optimizers.

const moments = { exp_avg: "m", exp_avg_sq: "v", max_exp_avg_sq: "vmax" };
const momentum = { momentum_buffer: "buf" };

/** Slots of state by their names in PyTorch, for each of its optimizers whose state can be imported. */
export const slots: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  adadelta: { square_avg: "s", acc_delta: "d" },
  adafactor: { row_var: "rows", col_var: "columns", variance: "v" },
  adagrad: { sum: "s" },
  adam: moments,
  adamax: { exp_avg: "m", exp_inf: "u" },
  adamw: moments,
  asgd: { ax: "ax" },
  muon: momentum,
  nadam: moments,
  radam: moments,
  rmsprop: { square_avg: "v", grad_avg: "mg", ...momentum },
  rprop: { prev: "previous", step_size: "step" },
  sgd: momentum,
  sparseadam: moments,
};

/** State that is a number, and the same for all parameters of a group: what a group remembers. */
export const memories: Readonly<Record<string, string>> = { mu_product: "muProduct", eta: "eta" };

/** State that follows from the rest: ASGD computes the share of the average from the step number. */
export const derived: readonly string[] = ["step", "mu"];

const lists: Readonly<Record<string, readonly string[]>> = {
  betas: ["beta1", "beta2"],
  etas: ["etaMinus", "etaPlus"],
  step_sizes: ["stepMin", "stepMax"],
  ns_coefficients: ["nsA", "nsB", "nsC"],
  eps: ["eps1", "eps2"],
};

const renamed: Readonly<Record<string, string>> = {
  initial_accumulator_value: "initialAccumulator",
  decoupled_weight_decay: "decoupled",
};

/** What None means, where it is a value: Adafactor's eps1 is then that of the dtype, and Muon adjusts the rate as its author does. */
const none: Readonly<Record<string, unknown>> = { eps1: 0, adjustLrFn: "original" };

/** How PyTorch computes, and not what. */
const ignored = ["params", "param_names", "foreach", "fused", "capturable", "differentiable", "initial_lr"];

/** The options of a group by our names. */
export function optionsOf(group: Readonly<Record<string, unknown>>): [name: string, value: unknown][] {
  return Object.entries(group).flatMap(([name, value]): [string, unknown][] => {
    if (ignored.includes(name)) return [];
    const values = Array.isArray(value) ? value : [value];
    const names = (Array.isArray(value) && lists[name]) || [renamed[name] ?? camelCase(name)];
    return values.map((each, i) => [names[i] ?? name, each ?? none[names[i]]]);
  });
}

function camelCase(name: string): string {
  return name.replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase());
}
