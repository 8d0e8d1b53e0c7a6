import { describe, expect, test } from "vitest";
import type { Backend, Ref } from "../src/backend.js";
import * as matrixF32 from "../src/generated/f32/matrix.js";
import { js } from "../src/js.js";
import { SIZE, viewOf } from "../src/layout.js";
import * as matrix from "../src/matrix.js";
import * as reduce from "../src/reduce.js";
import type { Dtype } from "../src/rule.js";
import { openWasm } from "../src/wasm.js";
import { data, differs, dtypes, type Kind, type Reals, random } from "./tables.js";

// Every function of matrix.ts and reduce.ts: its kernel gives the same bits, and they are the right ones.

interface Operation {
  /** The numbers that it takes before its buffers, many times over. */
  readonly sizes: readonly (readonly number[])[];
  /** How many elements each input has. */
  inputs(...sizes: number[]): readonly number[];
  /** How many elements it writes; it returns a number if it writes none. */
  output?(...sizes: number[]): number;
  /** Adds what goes into element i of the result, number by number. */
  terms(i: number, inputs: readonly Reals[], ...sizes: number[]): readonly number[];
}

/** What memory holds before. */
const FILL = 0.25;

const few = [0, 1, 2, 3, 4, 5, 7, 8, 9, 17];
const fewer = [0, 1, 3, 5, 8, 17];
const pairs = [...few.flatMap((n) => few.map((m) => [n, m])), [64, 31], [300, 1], [3, 1003], [130, 70]];
const boxes = [...fewer.flatMap((n) => fewer.flatMap((k) => fewer.map((m) => [n, k, m]))), [3, 130, 70], [70, 300, 1]];
const triples = [
  ...boxes,
  // more than a panel of b is deep, and wide
  [5, 300, 7],
  [9, 512, 4],
  [6, 257, 131],
  [4, 3, 517],
  [33, 65, 129],
  [1, 1003, 1],
];
const lengths = [...Array.from({ length: 68 }, (_, n) => [n]), [1003], [16383], [16384], [16385], [65537]];

const range = (n: number) => Array.from({ length: n }, (_, i) => i);

const operations: Readonly<Record<string, Operation>> = {
  matmul: {
    sizes: triples,
    inputs: (n, k, m) => [n * k, k * m],
    output: (n, _, m) => n * m,
    terms: (i, [a, b], _, k, m) => range(k).map((x) => a[Math.floor(i / m) * k + x] * b[x * m + (i % m)]),
  },
  transpose: {
    sizes: pairs,
    inputs: (n, m) => [n * m],
    output: (n, m) => n * m,
    terms: (i, [a], n, m) => [a[(i % n) * m + Math.floor(i / n)]],
  },
  rowSums: {
    sizes: pairs,
    inputs: (n, m) => [n * m],
    output: (n) => n,
    terms: (i, [a], _, m) => range(m).map((j) => a[i * m + j]),
  },
  columnSums: {
    sizes: pairs,
    inputs: (n, m) => [n * m],
    output: (_, m) => m,
    terms: (j, [a], n, m) => range(n).map((i) => a[i * m + j]),
  },
  spreadRows: {
    sizes: pairs,
    inputs: (n) => [n],
    output: (n, m) => n * m,
    terms: (i, [a], _, m) => [a[Math.floor(i / m)]],
  },
  spreadColumns: {
    sizes: pairs,
    inputs: (_, m) => [m],
    output: (n, m) => n * m,
    terms: (i, [a], _, m) => [a[i % m]],
  },
  axisSquares: {
    sizes: boxes,
    inputs: (n, m, k) => [n * m * k],
    output: (n, _, k) => n * k,
    terms: (i, [a], _, m, k) => range(m).map((j) => a[(Math.floor(i / k) * m + j) * k + (i % k)] ** 2),
  },
  spreadAxis: {
    sizes: boxes,
    inputs: (n, _, k) => [n * k],
    output: (n, m, k) => n * m * k,
    terms: (i, [a], _, m, k) => [a[Math.floor(i / (m * k)) * k + (i % k)]],
  },
  lowerAxis: {
    sizes: boxes,
    inputs: (_, m) => [m],
    output: (n, m, k) => n * m * k,
    terms: (i, [a], _, m, k) => [Math.min(FILL, a[Math.floor(i / k) % m])],
  },
  axisMaxima: {
    sizes: boxes,
    inputs: (n, m, k) => [n * m * k],
    output: (_, m) => m,
    terms: (j, [a], n, m, k) => [Math.max(...range(n).flatMap((i) => range(k).map((l) => a[(i * m + j) * k + l])))],
  },
  dot: { sizes: lengths, inputs: (n) => [n, n], terms: (_, [x, y]) => Array.from(x, (xi, i) => xi * y[i]) },
  rowDots: {
    sizes: pairs,
    inputs: (n, m) => [n * m, n * m],
    output: (n) => n,
    terms: (i, [x, y], _, m) => range(m).map((j) => x[i * m + j] * y[i * m + j]),
  },
  opposites: {
    sizes: lengths,
    inputs: (n) => [n, n],
    terms: (_, [x, y]) => Array.from(x, (xi, i) => (xi * y[i] < 0 ? 1 : 0)),
  },
  sum: { sizes: lengths, inputs: (n) => [n], terms: (_, [x]) => Array.from(x) },
  sumAbs: { sizes: lengths, inputs: (n) => [n], terms: (_, [x]) => Array.from(x, Math.abs) },
  maxAbs: {
    sizes: lengths,
    inputs: (n) => [n],
    terms: (_, [x]) => [Array.from(x, Math.abs).reduce((a, b) => Math.max(a, b), 0)],
  },
};

/**
 * Makes an operation that can be run many times; what it returns is an array of one number. What lies around its buffers must stay as
 * it is.
 */
function open(
  backend: Backend,
  dtype: Dtype,
  name: string,
  sizes: readonly number[],
): (given: readonly Reals[]) => Reals {
  const { inputs, output } = operations[name];
  const lengths = inputs(...sizes);
  const length = output?.(...sizes) ?? 0;
  const guard = 16;
  const total = [...lengths, length].reduce((sum, n) => sum + n + guard, guard);
  const memory = backend.createMemory(total * SIZE[dtype]);
  const all = viewOf(memory, dtype, 0, total);
  let next = guard;
  const place = (n: number): [Reals, Ref] => {
    const start = next;
    next += n + guard;
    return [all.subarray(start, start + n), backend.ref(memory, dtype, start * SIZE[dtype], n)];
  };
  const places = lengths.map(place);
  const [result, out] = place(length);
  const loops = backend.kernels(memory, dtype, library(name)) as unknown as Record<string, (...args: Ref[]) => number>;
  const refs = [...places.map(([, ref]) => ref), ...(output ? [out] : [])];
  return (given) => {
    all.fill(FILL);
    for (const [i, x] of given.entries()) places[i][0].set(x);
    const returned = loops[name](...(sizes as number[]), ...refs);
    const kept = [...all.subarray(0, guard), ...all.subarray(next - guard)];
    expect(kept.every((x) => x === FILL)).toBe(true);
    return output ? result.slice() : new Float64Array([returned]);
  };
}

function library(name: string) {
  return name in matrix ? { f32: matrixF32, f64: matrix } : { f32: reduce, f64: reduce };
}

describe.each(Object.entries(operations))("%s", (name, { sizes, inputs, output, terms }) => {
  test.each(dtypes)("WebAssembly and JavaScript give the same bits in %s", (dtype) => {
    const r = random(1);
    for (const some of sizes) {
      const runs = [openWasm(dtype), js].map((backend) => open(backend, dtype, name, some));
      for (const kind of ["ordinary", "decades", "special", "mixed"] satisfies Kind[]) {
        const given = inputs(...some).map((n) => data(n, dtype, kind, r));
        const [a, b] = runs.map((run) => run(given));
        expect(differs(a, b), `${some} of ${kind} numbers`).toBe(-1);
      }
    }
  });

  test.each(dtypes)("is right in %s", (dtype) => {
    const r = random(2);
    // matrices are summed in the dtype, and reductions in float64
    const unit = dtype === "f32" && output ? 2 ** -24 : 2 ** -53;
    for (const some of sizes) {
      const given = inputs(...some).map((n) => data(n, dtype, "ordinary", r));
      const result = open(js, dtype, name, some)(given);
      for (const [i, x] of result.entries()) {
        const summed = terms(i, given, ...some);
        const expected = summed.reduce((a, b) => a + b, 0);
        const allowed = (summed.length + 1) * unit * summed.reduce((a, b) => a + Math.abs(b), 0);
        if (!(Math.abs(x - expected) <= allowed)) expect(x, `element ${i} of ${some}`).toBe(expected);
      }
    }
  });
});

test("every function of matrices and reductions is one of these", () => {
  expect(Object.keys(operations).sort()).toEqual([...Object.keys(matrix), ...Object.keys(reduce)].sort());
});
