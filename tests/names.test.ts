import { describe, expect, test } from "vitest";
import { AdamMini } from "../src/index.js";
import { backends, bitsEqual, expectError, make, numbers } from "./helpers.js";

// Adam-mini tells from a parameter's name which of its elements share a second moment.
const shapes = {
  "attn.wq.weight": [4, 3],
  "attn.wo.weight": [4, 3],
  "wte.weight": [6, 2],
  "mlp.bias": [5],
  "ln_f.weight": [7],
};
const options = { dim: 6, nHeads: 6, dtype: "f64", weightDecay: 0.5, lr: 0.5 };

describe.each(backends)("on %s", (backend) => {
  test("heads, rows, single elements or the whole tensor share a second moment", () => {
    const opt = make(AdamMini, shapes, { ...options, backend });
    const blocks = Object.entries(opt.state).map(([name, { v }]) => [name, v.length]);
    expect(Object.fromEntries(blocks)).toEqual({
      "attn.wq.weight": 2,
      "attn.wo.weight": 4,
      "wte.weight": 6,
      "mlp.bias": 5,
      "ln_f.weight": 1,
    });
  });

  test("a step divides each block by the root of its mean square, and norms and biases do not decay", () => {
    const opt = make(AdamMini, shapes, { ...options, eps: 0, backend });
    for (const [name, p] of Object.entries(opt.params)) {
      p.set(numbers(name, p.length, 0));
      opt.grads[name].set(numbers(name, p.length, 1));
    }
    const before = Object.entries(opt.params).map(([name, p]) => [name, p.slice()] as const);
    opt.step();
    for (const [name, p] of before) {
      const g = opt.grads[name];
      const size = p.length / opt.state[name].v.length;
      const keep = /bias|ln/.test(name) ? 1 : 0.75;
      for (let i = 0; i < p.length; i++) {
        const from = Math.floor(i / size) * size;
        const squares = [...g.subarray(from, from + size)].map((x) => x * x);
        const mean = squares.reduce((sum, x) => sum + x, 0) / size;
        expect(opt.params[name][i]).toBeCloseTo(keep * p[i] - (0.5 * g[i]) / Math.sqrt(mean), 12);
      }
    }
  });

  test("a tensor of queries or keys must be whole heads, then and later", () => {
    const opt = make(AdamMini, shapes, { ...options, backend });
    const wants = [RangeError, '"attn.wq.weight"', "dim * dim / nHeads", "got 12 elements"] as const;
    expectError(() => make(AdamMini, shapes, { ...options, dim: 30, backend }), ...wants);
    expectError(() => Object.assign(opt, { nHeads: 7 }), ...wants);
    expectError(() => Object.assign(opt, { nHeads: 3 }), RangeError, "nHeads", "as constructed", "got 3");
    expect(opt.nHeads).toBe(6);
  });
});

test("both backends write the same bits", () => {
  for (const dtype of ["f32", "f64"]) {
    const [wasm, js] = backends.map((backend) => make(AdamMini, shapes, { ...options, dtype, backend }));
    for (let step = 1; step <= 20; step++) {
      for (const opt of [wasm, js]) {
        for (const [name, g] of Object.entries(opt.grads)) g.set(numbers(name, g.length, step));
        opt.step();
      }
    }
    for (const name of Object.keys(shapes)) {
      expect(bitsEqual(wasm.params[name], js.params[name]), name).toBe(true);
      expect(bitsEqual(wasm.state[name].v, js.state[name].v), name).toBe(true);
    }
  }
});
