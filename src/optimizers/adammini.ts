import { defineTensorOptimizer } from "../define.js";
import * as matrixF32 from "../generated/f32/matrix.js";
import * as f32 from "../generated/f32/optimizers/adammini.js";
import { sizeOf } from "../layout.js";
import * as matrix from "../matrix.js";
import { power } from "../power.js";
import { add, div, lerp, mul, type Reals, sqrt, sub } from "../real.js";
import type { Values } from "../rule.js";

/**
 * Adam-mini: AdamW with one second moment for each block of weights.
 *
 * @remarks Use it to train transformers in the memory of SGD with momentum. A tensor's name says what its blocks are, as in the
 * authors' code: rows for embeddings, values and dense layers, heads for queries and keys (`dim * dim / nHeads` elements), single
 * elements for a bias, and else the whole tensor. What is called a norm or a bias does not decay.
 * @see Zhang et al., 2024, Adam-mini: Use Fewer Learning Rates To Gain More (arXiv 2406.16793)
 */
export const AdamMini = /* @__PURE__ */ defineTensorOptimizer({
  name: "AdamMini",
  defaults: { lr: 1e-3, beta1: 0.9, beta2: 0.999, eps: 1e-8, dim: 2048, nHeads: 32 },
  ranges: { beta1: [0, 1], beta2: [0, 1], dim: [1, Infinity], nHeads: [1, Infinity] },
  state: (h, shape, name) => ({ m: 0, v: { shape: [blocksOf(h, shape, name)], from: 0 } }),
  // denominators, for each element and for each block
  work: (_h, shape) => [sizeOf(shape), Math.max(1, sizeOf(shape))],
  decoupled: () => true,
  passes: [
    {
      tensor(x, h, t) {
        if (x.length === 0) return;
        const [denominators, blockwise] = x.work;
        const blocks = x.numbers.v.length;
        const size = x.length / blocks;
        const root = Math.sqrt(1 - power(h.beta2, t));
        x.rowDots(blocks, x.g, x.g, blockwise);
        x.s[0] = h.beta2;
        x.s[1] = (1 - h.beta2) / size;
        x.s[2] = h.eps * root;
        x.over(blocks, "adamminiBlocks", blockwise, x.state.v);
        x.matrix.spreadRows(blocks, size, blockwise, denominators);
        x.s[0] = decays(x.name) ? 1 - h.lr * h.weightDecay : 1;
        x.s[1] = (h.lr / (1 - power(h.beta1, t))) * root;
        x.s[2] = 1 - h.beta1;
        x.run("adammini", x.p, x.g, x.state.m, denominators);
      },
    },
  ],
  matrix: { f32: matrixF32, f64: matrix },
  twins: { f32, f64: { adamminiBlocks, adammini } },
});

// What a name has in it, of tensors whose blocks are heads, and of those whose blocks are rows.
const heads = ["k_proj", "q_proj", "wq", "wk", "query", "key"];
const rows = [
  "embed",
  "embd",
  "wte",
  "lm_head",
  "output",
  "final_layer",
  "v_proj",
  "wv",
  "value",
  "o_proj",
  "wo",
  "attn.proj",
  "feed_forward",
  "linear",
  "mlp",
];

function has(name: string, words: readonly string[]): boolean {
  return words.some((word) => name.toLowerCase().includes(word));
}

function decays(name: string): boolean {
  return !has(name, ["norm", "ln", "bias"]);
}

/** The number of blocks of a tensor. */
function blocksOf(h: Values<{ dim: number; nHeads: number }>, shape: readonly number[], name: string): number {
  const length = sizeOf(shape);
  if (has(name, ["bias"])) return length;
  if (!has(name, heads)) return has(name, rows) ? (shape[0] ?? 1) : 1;
  const head = (h.dim * h.dim) / h.nHeads;
  if (!Number.isInteger(head) || length % head !== 0) {
    throw new RangeError(
      `AdamMini: parameter "${name}" must be heads of dim * dim / nHeads = ${head} elements, got ${length} elements`,
    );
  }
  return length / head;
}

/** Updates the second moments of blocks, and turns the sums of their squares into what their steps are divided by. */
export function adamminiBlocks(n: number, squares: Reals, v: Reals, h: Reals): void {
  const b2 = h[0];
  const w2 = h[1];
  const eps = h[2];
  for (let i = 0; i < n; i++) {
    const vi = add(mul(b2, v[i]), mul(w2, squares[i]));
    v[i] = vi;
    squares[i] = add(sqrt(vi), eps);
  }
}

export function adammini(n: number, p: Reals, g: Reals, m: Reals, denominators: Reals, h: Reals): void {
  const keep = h[0];
  const step = h[1];
  const w1 = h[2];
  for (let i = 0; i < n; i++) {
    const mi = lerp(m[i], g[i], w1);
    m[i] = mi;
    p[i] = sub(mul(keep, p[i]), div(mul(step, mi), denominators[i]));
  }
}
