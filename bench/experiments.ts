import { Adam, AdamW } from "gradstep";
import type { Steppable } from "./cases.js";
import { runOnAllCores } from "./core.js";
import { fill } from "./data.js";
import { duration, type Experiment, ratio, type Subject } from "./experiment.js";
import { batchFor, timeSteps } from "./measure.js";
import { compileProbes } from "./probes.js";
import { openBlas, peak, product } from "./products.js";
import { separatePasses, stages } from "./separate.js";
import { largeSizes } from "./targets.js";
import { threadExperiments } from "./threads.js";

const inCache = 65536;
const [, inMemory] = largeSizes;
const atMost = (name: string, limit: number | null) => ({ name, relation: "at most" as const, limit });

const { clipValue: _, ...scaleAndClear } = stages;

/** 6.4 GB, which takes two memories. */
const huge = 400_000_000;
const tensors = 8;

const blas = openBlas();

/** What is measured beside the table of rules: an entry is a row. */
export const experiments: readonly Experiment[] = [
  ...[65536, 262144, 1048576].map((n) =>
    ratio(
      atMost(`adam f32, n = ${n}: your own arrays over views`, 1.3),
      () => adam(n, {}, "own"),
      () => adam(n),
    ),
  ),
  ...[inCache, inMemory].flatMap((n) => {
    const plain = () => adam(n);
    const name = (what: string) => `adam f32, n = ${n}: ${what}, over the plain step`;
    const limit = n === inCache ? 1.7 : 1.2;
    return [
      // the norm's factor goes into the scale: its pass is what comes on top
      ratio(
        atMost(name("scale, clip by norm, clear, EMA, the norm's pass apart"), limit),
        () => adam(n, scaleAndClear),
        plain,
      ),
      ratio(
        atMost(name("the same, and the norm's pass"), null),
        () => adam(n, { ...scaleAndClear, clipNorm: 1 }),
        plain,
      ),
      ratio(atMost(name("scale, clip by value, clear, EMA"), limit), () => adam(n, stages), plain),
      ratio(atMost(name("the same by separate passes"), null), () => separatePasses(n), plain),
      ratio(
        atMost(name("what they read and write, and nothing else"), null),
        () => streams("rw rw rw rw rw", n),
        plain,
      ),
    ];
  }),
  ...[inCache, inMemory].map((n) =>
    ratio(
      atMost(`adamw f32, n = ${n}: state in bfloat16 over state in float32`, null),
      () => adamw(n, "bf16"),
      () => adamw(n),
    ),
  ),
  ratio(
    {
      name: "muon's product of two matrices of 256 × 256: its pace over that of f32x4 multiply-adds in registers",
      relation: "at least",
      limit: null,
    },
    () => peak(),
    () => product(256),
  ),
  ...(blas
    ? [
        ratio(
          atMost("muon's product of two matrices of 256 × 256: its time over that of OpenBLAS on one thread", null),
          () => product(256),
          () => blas(256),
        ),
      ]
    : []),
  ratio(
    atMost(`adamw f32, an element of ${huge} in ${tensors} tensors over one of ${inMemory}`, 1.1),
    () => perElement(adamwOf(Array(tensors).fill(huge / tensors)), huge),
    () => perElement(adamwOf([inMemory]), inMemory),
  ),
  ...threadExperiments(),
  duration({ ...atMost("making an optimizer of two numbers after the first", 20), unit: "µs" }, 21, makeOne),
  duration(
    { ...atMost("first use of WebAssembly: to decode, compile and instantiate the kernels", 5), unit: "ms" },
    9,
    () => useFirst('new Adam({ w: 2 }, { backend: "js" }).step();'),
  ),
  duration({ ...atMost("the first optimizer of a process and its first step", null), unit: "ms" }, 9, () =>
    useFirst(""),
  ),
];

function adam(n: number, options: object = {}, whose: "own" | "views" = "views"): Subject {
  return stepping(new Adam({ w: whose === "own" ? new Float32Array(n) : n }, options), n);
}

async function streams(kinds: string, n: number): Promise<Subject> {
  const probe = (await compileProbes("f32", [kinds], [])).streams(kinds, n);
  return { turn: (milliseconds) => n * probe.turn(milliseconds) };
}

function adamw(n: number, stateDtype?: "bf16"): Subject {
  return stepping(new AdamW({ w: n }, stateDtype ? { stateDtype } : {}), n);
}

function adamwOf(sizes: readonly number[]): Subject {
  const optimizer = new AdamW(Object.fromEntries(sizes.map((size, i) => [`w${i}`, size])));
  for (const params of Object.values(optimizer.params)) params.fill(0.5);
  for (const grads of Object.values(optimizer.grads)) grads.fill(0.25);
  return {
    turn: (milliseconds) => timeSteps(() => void optimizer.step(), 1, milliseconds),
    close: () => optimizer.dispose(),
  };
}

function perElement({ turn, close }: Subject, n: number): Subject {
  return { turn: (milliseconds) => turn(milliseconds) / n, close };
}

function stepping(optimizer: Omit<Steppable, "state">, n: number): Subject {
  const { params, grads } = optimizer;
  fill(params.w, grads.w);
  const given = grads.w.slice();
  const step = () => void optimizer.step();
  return {
    turn(milliseconds) {
      // they may have been cleared, and without any the moments would become subnormal
      grads.w.set(given);
      return timeSteps(step, batchFor(n), milliseconds);
    },
    close: () => optimizer.dispose(),
  };
}

function makeOne(): number {
  return timeSteps(() => new Adam({ w: 2 }).dispose(), 100, 5) / 1e3;
}

/** A first step on WebAssembly in a process of its own that has done something before, in milliseconds. */
function useFirst(before: string): number {
  const source = `
    import { Adam } from "gradstep";
    ${before}
    const start = performance.now();
    new Adam({ w: 2 }).step();
    console.log(performance.now() - start);`;
  const cwd = new URL(".", import.meta.url);
  // on one core, the engine's own threads would take their turns with it
  return Number(runOnAllCores(["--input-type=module", "--eval", source], cwd));
}
