import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fill } from "./data.js";
import type { Subject } from "./experiment.js";
import { openKernels } from "./kernel-file.js";
import { timeSteps } from "./measure.js";
import { compile as compileC } from "./native.js";
import { compile } from "./probes.js";

// turns are nanoseconds per operation

/** The product of square matrices. */
export function product(side: number): Subject {
  const size = side * side;
  const { kernels, starts, views } = openKernels([size, size, size]);
  fill(views[0], views[1]);
  const [a, b, out] = starts;
  const step = () => kernels.matmul(side, side, side, a, b, out);
  return { turn: (milliseconds) => timeSteps(step, 1, milliseconds) / (2 * side ** 3) };
}

/** OpenBLAS's on one thread, in a process of its own; undefined where there is none, or no gcc. */
export function openBlas(compiler = "gcc"): ((side: number) => Subject) | undefined {
  if (spawnSync(compiler, ["--version"]).status !== 0) return undefined;
  const folder = mkdtempSync(join(tmpdir(), "gradstep-bench-"));
  process.once("exit", () => rmSync(folder, { recursive: true, force: true }));
  const program = join(folder, "blas");
  if (!compileC(compiler, program, ["blas.c"], []) || spawnSync(program, ["8", "0"]).status !== 0) return undefined;
  return (side) => ({
    turn: (milliseconds) => Number.parseFloat(execFileSync(program, [String(side), String(milliseconds)]).toString()),
  });
}

/** As many sums as hide how long an addition takes, and as registers hold. */
const sums = 12;
const rounds = 4096;

/** Multiply-adds of four numbers on registers alone. */
export async function peak(): Promise<Subject> {
  const each = Array.from({ length: sums }, (_, k) => k);
  const source = [
    'import { add, all, mul, read, VECTOR, write } from "./lanes";',
    "export function peak(n: usize, at: usize): void {",
    "const x = all(0.5);",
    "const y = read(at);",
    ...each.map((k) => `let s${k} = read(at + ${k} * VECTOR);`),
    "for (let i: usize = 0; i < n; i++) {",
    ...each.map((k) => `s${k} = add(mul(s${k}, x), y);`),
    "}",
    ...each.map((k) => `write(at + ${k} * VECTOR, s${k});`),
    "}",
  ].join("\n");
  const memory = new WebAssembly.Memory({ initial: 1, maximum: 1 });
  new Float32Array(memory.buffer).fill(1);
  const { exports } = new WebAssembly.Instance(await compile("f32", source), { env: { memory } });
  const loop = exports.peak as (n: number, at: number) => void;
  return { turn: (milliseconds) => timeSteps(() => loop(rounds, 0), 4, milliseconds) / (rounds * sums * 4 * 2) };
}
