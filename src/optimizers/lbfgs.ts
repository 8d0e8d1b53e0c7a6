import { defineClosureOptimizer } from "../define.js";
import { type Line, type Point, strongWolfe } from "../line-search.js";
import type { Memory } from "../rule.js";
import type { Vectors } from "../vectors.js";

/**
 * L-BFGS: steps along the gradient times an estimate of the inverse Hessian, from the last `historySize` differences. `step` takes
 * a closure that writes `grads` and returns the loss, and makes up to `maxIter` iterations; `maxEval` 0 stands for 1.25 times as
 * many evaluations.
 *
 * @remarks Use it to fit small models to all their data at once, where the loss has no noise.
 * @option lr the length of a step as a multiple of the direction, or where the line search begins
 * @state 2 historySize + 6 buffers: 4 (2 historySize + 6)
 * @see Liu and Nocedal, 1989, On the Limited Memory BFGS Method for Large Scale Optimization
 */
export const LBFGS = /* @__PURE__ */ defineClosureOptimizer({
  name: "LBFGS",
  defaults: {
    lr: 1,
    maxIter: 20,
    maxEval: 0,
    toleranceGrad: 1e-7,
    toleranceChange: 1e-9,
    historySize: 100,
    lineSearch: "none",
  },
  ranges: { maxIter: [1, Infinity], historySize: [1, 1001] },
  choices: { lineSearch: ["none", "strong_wolfe"] },
  state: (h) => {
    const slots: Record<string, number> = { direction: 0, gradient: 0, previous: 0, start: 0, kept0: 0, kept1: 0 };
    for (let i = 0; i < h.historySize; i++) slots[`y${i}`] = slots[`s${i}`] = 0;
    return slots;
  },
  conflict: (h) =>
    [h.maxIter, h.maxEval, h.historySize].every((n) => Number.isInteger(n))
      ? undefined
      : "maxIter, maxEval and historySize must be whole numbers",
  memory: (h) => {
    const memory: Memory = { iterations: 0, evaluations: 0, t: 0, scale: 1, pushed: 0, forgotten: 0, loss: 0 };
    for (let i = 0; i < h.historySize; i++) memory[`rho${i}`] = 0;
    return memory;
  },
  passes: [],
  twins: { f32: {}, f64: {} },
  minimize(v, h, memory, evaluate) {
    const most = h.maxEval || Math.floor(1.25 * h.maxIter);
    let evaluations = 1;
    const first = evaluate();
    let loss = first;
    memory.evaluations++;
    if (v.maxAbs("gradient") <= h.toleranceGrad) return first;
    for (let k = 1; k <= h.maxIter; k++) {
      memory.iterations++;
      if (memory.iterations === 1) v.scale("direction", -1, "gradient");
      else turn(v, memory, h.historySize);
      v.copy("previous", "gradient");
      memory.loss = loss;
      memory.t = memory.iterations === 1 ? Math.min(1, 1 / v.sumAbs("gradient")) * h.lr : h.lr;
      const slope = v.dot("gradient", "direction");
      if (slope > -h.toleranceChange) break;
      v.copy("start", "p");
      const before = evaluations;
      if (h.lineSearch === "none") {
        v.combine("p", 1, "start", memory.t, "direction");
        if (k < h.maxIter) {
          loss = evaluate();
          evaluations++;
        }
      } else {
        const start = { t: 0, value: loss, slope, gradient: "previous" };
        const line = along(v, () => {
          evaluations++;
          return evaluate();
        });
        const found = strongWolfe(line, start, memory.t, most - evaluations, h.toleranceChange);
        if (found.gradient !== "gradient") v.copy("gradient", found.gradient);
        v.combine("p", 1, "start", found.t, "direction");
        memory.t = found.t;
        loss = found.value;
      }
      memory.evaluations += evaluations - before;
      if (evaluations >= most || v.maxAbs("gradient") <= h.toleranceGrad) break;
      if (Math.abs(memory.t) * v.maxAbs("direction") <= h.toleranceChange) break;
      if (Math.abs(loss - memory.loss) < h.toleranceChange) break;
    }
    return first;
  },
});

/** The line from "start" along "direction". */
function along(v: Vectors, evaluate: () => number): Line {
  return {
    size: v.maxAbs("direction"),
    evaluate(t) {
      v.combine("p", 1, "start", t, "direction");
      const value = evaluate();
      return { t, value, slope: v.dot("gradient", "direction"), gradient: "gradient" };
    },
    keep(point, inUse) {
      if (point.gradient !== "gradient") return point;
      const gradient = inUse.some((other: Point) => other.gradient === "kept0") ? "kept1" : "kept0";
      v.copy(gradient, "gradient");
      return { ...point, gradient };
    },
  };
}

/** The next direction, after the difference of the last two gradients has gone into the history. */
function turn(v: Vectors, memory: Memory, historySize: number): void {
  v.combine("kept0", 1, "gradient", -1, "previous");
  v.scale("kept1", memory.t, "direction");
  const curvature = v.dot("kept0", "kept1");
  if (curvature > 1e-10) {
    const i = memory.pushed % historySize;
    v.copy(`y${i}`, "kept0");
    v.copy(`s${i}`, "kept1");
    memory[`rho${i}`] = 1 / curvature;
    memory.scale = curvature / v.dot("kept0", "kept0");
    memory.pushed++;
  }
  const oldest = Math.max(0, memory.pushed - historySize);
  const shares: number[] = [];
  v.scale("direction", -1, "gradient");
  for (let j = memory.pushed - 1; j >= oldest; j--) {
    const i = j % historySize;
    shares[j] = v.dot(`s${i}`, "direction") * memory[`rho${i}`];
    v.combine("direction", 1, "direction", -shares[j], `y${i}`);
  }
  v.scale("direction", memory.scale, "direction");
  for (let j = oldest; j < memory.pushed; j++) {
    const i = j % historySize;
    const share = v.dot(`y${i}`, "direction") * memory[`rho${i}`];
    v.combine("direction", 1, "direction", shares[j] - share, `s${i}`);
  }
}
