import { checkChoice } from "../check.js";
import { sizeOf } from "../layout.js";
import { rowSums } from "../matrix.js";
import type { Reals } from "../real.js";
import { type Arrays, readArrays, roundFor, scaleBy } from "./arrays.js";
import { checkReal, readOptions } from "./check.js";
import { checkNormType, normOf } from "./norm.js";
import { readShapes, type Shapes } from "./shapes.js";

export interface AdaptiveClipOptions {
  /** What the norm of a unit's gradient may be at most, as a share of the norm of its parameters. Default 0.01. */
  readonly clipping?: number;
  /** What the norm of a unit's parameters is taken for at least. Default 0.001. */
  readonly eps?: number;
  /**
   * Which elements are a unit: with "out-in", those of one index of the first axis, as PyTorch lays out weights and timm clips them;
   * with "in-out", those of one index of the last axis, as JAX and optax do, but of three axes those of one index of the last two.
   * What has one axis is one unit. Default "out-in".
   */
  readonly layout?: "out-in" | "in-out";
  /** p of the p-norm: above 0; `Infinity` takes the largest magnitude. Default 2. */
  readonly normType?: number;
}

/**
 * Adaptive gradient clipping: scales the gradient of each unit, such as the weights into one neuron, in place so that its norm is
 * at most a share of the norm of its parameters.
 *
 * `params` and `grads` are arrays by the same names, lists, or one each; `shapes` are their shapes, or the optimizer:
 * `adaptiveClip(opt.params, opt.grads, opt)`. After an error nothing has changed.
 *
 * @see Brock et al., 2021, High-Performance Large-Scale Image Recognition Without Normalization (arXiv 2102.06171); timm's
 *   adaptive_clip_grad; optax.adaptive_grad_clip
 */
export function adaptiveClip(params: Arrays, grads: Arrays, shapes: Shapes, options: AdaptiveClipOptions = {}): void {
  const who = "adaptiveClip";
  const byName = readArrays(who, "parameter", params);
  const all = readArrays(who, "gradient", grads);
  for (const [name, g] of Object.entries(all)) {
    const p = Object.hasOwn(byName, name) ? byName[name] : undefined;
    if (!p) throw new TypeError(`${who}: parameter "${name}" is missing`);
    if (p.length !== g.length) {
      throw new RangeError(`${who}: gradient "${name}" has length ${g.length}, expected ${p.length}`);
    }
  }
  const known = readShapes(who, shapes, all);
  const defaults = { clipping: 0.01, eps: 1e-3, layout: "out-in", normType: 2 };
  const { clipping, eps, layout, normType } = readOptions(who, options, defaults);
  checkReal(who, "clipping", clipping, [0, Infinity]);
  checkReal(who, "eps", eps, [0, Infinity]);
  const inOut = checkChoice(who, "layout", layout, ["out-in", "in-out"]) === "in-out";
  const p = checkNormType(who, normType);
  const units = known.map((shape, k) => unitsOf(who, shape, Object.keys(all)[k], inOut));
  for (const [k, [name, g]] of Object.entries(all).entries()) {
    clipUnits(byName[name], g, units[k], (x) => normOf([x], p), { clipping, eps });
  }
}

/**
 * Gradient centralization in place: takes from each row of a gradient, which is what has one index of the first axis, its mean.
 * Gradients of one axis stay as they are. It has the bits of the wrapper `GradientCentralization`. After an error nothing
 * has changed.
 *
 * @see Yong et al., 2020, Gradient Centralization (arXiv 2004.01461); optax.centralize
 */
export function centralize(grads: Arrays, shapes: Shapes): void {
  const all = readArrays("centralize", "gradient", grads);
  const known = readShapes("centralize", shapes, all);
  for (const [k, g] of Object.values(all).entries()) {
    if (known[k].length < 2 || g.length === 0) continue;
    const [rows] = known[k];
    const columns = g.length / rows;
    const means = g.slice(0, rows);
    rowSums(rows, columns, g, means);
    scaleBy(means, 1 / columns);
    for (let i = 0; i < rows; i++) {
      for (let j = i * columns; j < (i + 1) * columns; j++) g[j] -= means[i];
    }
  }
}

/** How units lie in an array: how many there are, and where the elements of one are. */
interface Units {
  readonly count: number;
  readonly size: number;
  /** From the first element of a unit to that of the next, and from one of its elements to the next. */
  readonly unit: number;
  readonly element: number;
}

function unitsOf(who: string, shape: readonly number[], name: string, inOut: boolean): Units {
  const length = sizeOf(shape);
  const rank = inOut ? shape.filter((n) => n !== 1).length : shape.length;
  if (rank < 2 || length === 0) return { count: 1, size: length, unit: length, element: 1 };
  if (!inOut) return { count: shape[0], size: length / shape[0], unit: length / shape[0], element: 1 };
  if (shape.length > 5) {
    throw new RangeError(`${who}: "${name}" has ${shape.length} axes, expected at most 5 with layout "in-out"`);
  }
  const count = shape.length > 3 ? shape[shape.length - 1] : length / shape[0];
  return { count, size: length / count, unit: 1, element: count };
}

function clipUnits(
  params: Reals,
  grads: Reals,
  { count, size, unit, element }: Units,
  norm: (x: Reals) => number,
  { clipping, eps }: { readonly clipping: number; readonly eps: number },
): void {
  const x = new Float64Array(size);
  const round = roundFor(grads);
  const normAt = (from: Reals, start: number) => {
    for (let i = 0; i < size; i++) x[i] = from[start + i * element];
    return norm(x);
  };
  for (let u = 0; u < count; u++) {
    const start = u * unit;
    const max = clipping * Math.max(normAt(params, start), eps);
    const length = normAt(grads, start);
    if (length < max) continue;
    const factor = round(max / Math.max(length, 1e-6));
    for (let i = 0; i < size; i++) grads[start + i * element] *= factor;
  }
}
