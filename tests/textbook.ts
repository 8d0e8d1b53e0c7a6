// The forms in which textbooks write optimizers, and the calls that compute the same numbers.
import { optimizers } from "../src/index.js";
import type { Options } from "./tables.js";

/** One element's update: from θ, its gradient and the step number t = 1, 2, … to the new θ. */
export type Update = (θ: number, g: number, t: number) => number;

type Values = Readonly<Record<"η" | "β" | "β1" | "β2" | "μ" | "ρ" | "ε" | "λ", number>>;

export interface Form {
  readonly form: string;
  readonly formula: string;
  /** The class and its options, where a letter stands for its value. */
  readonly call: string;
  /** What the letters stand for, where it is not what `usual` says. */
  readonly values?: Partial<Values>;
  /** Samples in a mini-batch, whose gradients are averaged. */
  readonly batch?: number;
  /** The formula written out, with a memory for one element. */
  readonly plain: (values: Values) => Update;
}

// ε is large enough to be seen
const usual: Values = { η: 0.01, β: 0.9, β1: 0.9, β2: 0.999, μ: 0.9, ρ: 0.95, ε: 1e-4, λ: 0.1 };

export function valuesOf({ values }: Form): Values {
  return { ...usual, ...values };
}

/** The class and the options that a call stands for. */
export function readCall(form: Form): { made: unknown; options: Options } {
  const [, name, list] = /^(\w+) \{ (.*) \}$/.exec(form.call) as RegExpExecArray;
  const values: Record<string, number> = valuesOf(form);
  const options = list.split(", ").map((option): [string, unknown] => {
    const [key, value] = option.split(": ");
    return [key, value in values ? values[value] : JSON.parse(value)];
  });
  return { made: Reflect.get(optimizers, name.toLowerCase()), options: Object.fromEntries(options) };
}

/** The form as a row of a table. */
export function rowOf({ form, formula, call }: Form): string {
  return `| ${form} | ${formula.replaceAll("|", "\\|")} | \`${call}\` |`;
}

const { sqrt, abs, max } = Math;

const descent: Pick<Form, "formula" | "call" | "plain"> = {
  formula: "θ ← θ − η g",
  call: "SGD { lr: η }",
  plain:
    ({ η }) =>
    (θ, g) =>
      θ - η * g,
};

const rmsprop: Omit<Form, "form"> = {
  formula: "E ← ρ E + (1 − ρ) g²; θ ← θ − η g / (√E + ε)",
  call: "RMSprop { lr: η, alpha: ρ, eps: ε }",
  plain: ({ η, ρ, ε }) => {
    let E = 0;
    return (θ, g) => {
      E = ρ * E + (1 - ρ) * g ** 2;
      return θ - (η * g) / (sqrt(E) + ε);
    };
  },
};

const adam: Omit<Form, "form"> = {
  formula: "v̂ = v / (1 − β₁ᵗ), ŝ = s / (1 − β₂ᵗ); θ ← θ − η v̂ / (√ŝ + ε)",
  call: "Adam { lr: η, beta1: β1, beta2: β2, eps: ε }",
  plain: ({ η, β1, β2, ε }) => {
    let [v, s] = [0, 0];
    return (θ, g, t) => {
      v = β1 * v + (1 - β1) * g;
      s = β2 * s + (1 - β2) * g ** 2;
      const [vHat, sHat] = [v / (1 - β1 ** t), s / (1 - β2 ** t)];
      return θ - (η * vHat) / (sqrt(sHat) + ε);
    };
  },
};

export const forms: readonly Form[] = [
  { form: "SGD, sample by sample", ...descent },
  { form: "SGD, the mean of a mini-batch", ...descent, batch: 4 },
  {
    form: "momentum as an average",
    formula: "v ← β v + (1 − β) g; θ ← θ − η v",
    call: "Momentum { lr: η, beta: β, biasCorrection: false }",
    plain: ({ η, β }) => {
      let v = 0;
      return (θ, g) => {
        v = β * v + (1 - β) * g;
        return θ - η * v;
      };
    },
  },
  {
    form: "… corrected",
    formula: "θ ← θ − η v / (1 − βᵗ)",
    call: "Momentum { lr: η, beta: β }",
    plain: ({ η, β }) => {
      let v = 0;
      return (θ, g, t) => {
        v = β * v + (1 - β) * g;
        return θ - (η * v) / (1 - β ** t);
      };
    },
  },
  {
    form: "classic momentum, while η is constant",
    formula: "u ← μ u − η g; θ ← θ + u",
    call: "SGD { lr: η, momentum: μ }",
    plain: ({ η, μ }) => {
      let u = 0;
      return (θ, g) => {
        u = μ * u - η * g;
        return θ + u;
      };
    },
  },
  {
    form: "Nesterov's, while η is constant",
    formula: "u ← μ u − η g; θ ← θ + μ u − η g",
    call: "SGD { lr: η, momentum: μ, nesterov: true }",
    plain: ({ η, μ }) => {
      let u = 0;
      return (θ, g) => {
        u = μ * u - η * g;
        return θ + μ * u - η * g;
      };
    },
  },
  {
    form: "Adagrad, ε outside",
    formula: "G ← G + g²; θ ← θ − η g / (√G + ε)",
    call: "Adagrad { lr: η, eps: ε }",
    plain: ({ η, ε }) => {
      let G = 0;
      return (θ, g) => {
        G += g ** 2;
        return θ - (η * g) / (sqrt(G) + ε);
      };
    },
  },
  {
    form: "Adagrad, ε inside",
    formula: "θ ← θ − η g / √(G + ε)",
    call: "Adagrad { lr: η, eps: 0, epsRoot: ε }",
    plain: ({ η, ε }) => {
      let G = 0;
      return (θ, g) => {
        G += g ** 2;
        return θ - (η / sqrt(G + ε)) * g;
      };
    },
  },
  {
    form: '"Adadelta" with a rate',
    formula: "E ← ρ E + (1 − ρ) g²; θ ← θ − η g / √(E + ε)",
    call: "RMSprop { lr: η, alpha: ρ, eps: 0, epsRoot: ε }",
    plain: ({ η, ρ, ε }) => {
      let E = 0;
      return (θ, g) => {
        E = ρ * E + (1 - ρ) * g ** 2;
        return θ - (η / sqrt(E + ε)) * g;
      };
    },
  },
  {
    form: "Zeiler's Adadelta",
    formula: "Δ = √(D + ε) / √(E + ε) · g; D ← ρ D + (1 − ρ) Δ²; θ ← θ − Δ",
    call: "Adadelta { lr: 1, rho: ρ, eps: ε }",
    plain: ({ ρ, ε }) => {
      let [E, D] = [0, 0];
      return (θ, g) => {
        E = ρ * E + (1 - ρ) * g ** 2;
        const Δ = (sqrt(D + ε) / sqrt(E + ε)) * g;
        D = ρ * D + (1 - ρ) * Δ ** 2;
        return θ - Δ;
      };
    },
  },
  { form: "RMSprop, ρ = 0.9", ...rmsprop, values: { ρ: 0.9 } },
  { form: "RMSprop, ρ = 0.99", ...rmsprop, values: { ρ: 0.99 } },
  { form: "Adam, β₂ = 0.999", ...adam, values: { β2: 0.999 } },
  { form: "Adam, β₂ = 0.99", ...adam, values: { β2: 0.99 } },
  {
    form: "Adam without correction",
    formula: "θ ← θ − η v / (√s + ε)",
    call: "Adam { lr: η, eps: ε, biasCorrection: false }",
    plain: ({ η, β1, β2, ε }) => {
      let [v, s] = [0, 0];
      return (θ, g) => {
        v = β1 * v + (1 - β1) * g;
        s = β2 * s + (1 - β2) * g ** 2;
        return θ - (η * v) / (sqrt(s) + ε);
      };
    },
  },
  {
    form: "Adam, ε inside",
    formula: "θ ← θ − η v̂ / √(ŝ + ε)",
    call: "Adam { lr: η, eps: 0, epsRoot: ε }",
    plain: ({ η, β1, β2, ε }) => {
      let [v, s] = [0, 0];
      return (θ, g, t) => {
        v = β1 * v + (1 - β1) * g;
        s = β2 * s + (1 - β2) * g ** 2;
        const [vHat, sHat] = [v / (1 - β1 ** t), s / (1 - β2 ** t)];
        return θ - (η * vHat) / sqrt(sHat + ε);
      };
    },
  },
  {
    form: "Adam without correction, ε inside",
    formula: "θ ← θ − η v / √(s + ε)",
    call: "Adam { lr: η, eps: 0, epsRoot: ε, biasCorrection: false }",
    plain: ({ η, β1, β2, ε }) => {
      let [v, s] = [0, 0];
      return (θ, g) => {
        v = β1 * v + (1 - β1) * g;
        s = β2 * s + (1 - β2) * g ** 2;
        return θ - (η * v) / sqrt(s + ε);
      };
    },
  },
  {
    form: "Adamax",
    formula: "u ← max(β₂ u, |g|); θ ← θ − η / (1 − β₁ᵗ) · m / u",
    call: "Adamax { lr: η, eps: 0 }",
    plain: ({ η, β1, β2 }) => {
      let [m, u] = [0, 0];
      return (θ, g, t) => {
        m = β1 * m + (1 - β1) * g;
        u = max(β2 * u, abs(g));
        return θ - ((η / (1 - β1 ** t)) * m) / u;
      };
    },
  },
  {
    form: "Adamax without correction",
    formula: "u ← max(β₂ u, |g|); θ ← θ − η / u · m",
    call: "Adamax { lr: η, eps: 0, biasCorrection: false }",
    plain: ({ η, β1, β2 }) => {
      let [m, u] = [0, 0];
      return (θ, g) => {
        m = β1 * m + (1 - β1) * g;
        u = max(β2 * u, abs(g));
        return θ - (η / u) * m;
      };
    },
  },
  {
    form: "Adamax with ε",
    formula: "u ← max(β₂ u, |g| + ε); θ ← θ − η / (1 − β₁ᵗ) · m / u",
    call: "Adamax { lr: η, eps: ε }",
    plain: ({ η, β1, β2, ε }) => {
      let [m, u] = [0, 0];
      return (θ, g, t) => {
        m = β1 * m + (1 - β1) * g;
        u = max(β2 * u, abs(g) + ε);
        return θ - ((η / (1 - β1 ** t)) * m) / u;
      };
    },
  },
  {
    form: "AdamW",
    formula: "θ ← θ − η (v̂ / (√ŝ + ε) + λ θ)",
    call: "AdamW { lr: η, eps: ε, weightDecay: λ }",
    plain: ({ η, β1, β2, ε, λ }) => {
      let [v, s] = [0, 0];
      return (θ, g, t) => {
        v = β1 * v + (1 - β1) * g;
        s = β2 * s + (1 - β2) * g ** 2;
        const [vHat, sHat] = [v / (1 - β1 ** t), s / (1 - β2 ** t)];
        return θ - η * (vHat / (sqrt(sHat) + ε) + λ * θ);
      };
    },
  },
  {
    form: "SGD with an L2 penalty",
    formula: "θ ← θ − η (g + λ θ)",
    call: "SGD { lr: η, weightDecay: λ }",
    plain:
      ({ η, λ }) =>
      (θ, g) =>
        θ - η * (g + λ * θ),
  },
];
