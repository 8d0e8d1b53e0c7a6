import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Dtype } from "./data.js";
import type { Hyperparameters } from "./hand.js";

/** IEEE arithmetic as written: no fused multiply-add, no reassociation; sqrt needs no errno to be vectorised. */
export const flags = ["-O3", "-std=c11", "-fno-math-errno", "-ffp-contract=off"];

/** The C loops of native/, compiled: one program for each dtype, run as a process of its own for each turn. */
export interface Native {
  readonly version: string;
  /** The names of the loops it has. */
  readonly loops: ReadonlySet<string>;
  /** Steps for about `milliseconds`; the median time of a step in nanoseconds. */
  time(loop: string, dtype: Dtype, n: number, milliseconds: number, h: Hyperparameters): number;
  /** The bytes of p and the state after so many steps. */
  bits(loop: string, dtype: Dtype, n: number, steps: number, h: Hyperparameters): Buffer;
}

/** Compiles the loops; undefined where there is no gcc, or none that can. */
export function openNative(compiler = "gcc"): Native | undefined {
  const probe = spawnSync(compiler, ["--version"], { encoding: "utf8" });
  if (probe.status !== 0) return undefined;
  const folder = mkdtempSync(join(tmpdir(), "gradstep-bench-"));
  process.once("exit", () => rmSync(folder, { recursive: true, force: true }));
  const programs = { f32: join(folder, "f32"), f64: join(folder, "f64") };
  const loops = ["main.c", "kernels.c"];
  if (!compile(compiler, programs.f32, loops, ["-Dreal=float"])) return undefined;
  if (!compile(compiler, programs.f64, loops, ["-Dreal=double"])) return undefined;
  const run = (dtype: Dtype, mode: string, loop: string, n: number, amount: number, h: Hyperparameters) =>
    execFileSync(
      programs[dtype],
      [mode, loop, String(n), String(amount), ...Object.entries(h).map(([name, value]) => `${name}=${value}`)],
      { maxBuffer: 2 ** 30 },
    );
  return {
    version: probe.stdout.split("\n")[0],
    loops: new Set(execFileSync(programs.f32, { encoding: "utf8" }).trim().split("\n")),
    time: (loop, dtype, n, milliseconds, h) =>
      Number.parseFloat(run(dtype, "time", loop, n, milliseconds, h).toString()) * n,
    bits: (loop, dtype, n, steps, h) => run(dtype, "bits", loop, n, steps, h),
  };
}

/** Compiles files of native/; false if that fails. */
export function compile(compiler: string, program: string, files: readonly string[], more: readonly string[]): boolean {
  const paths = files.map((file) => fileURLToPath(new URL(`./native/${file}`, import.meta.url)));
  const { status } = spawnSync(compiler, [...flags, ...more, "-o", program, ...paths, "-lm", "-ldl"], {
    stdio: ["ignore", "ignore", "inherit"],
  });
  return status === 0;
}
