import { execFileSync, spawnSync } from "node:child_process";
import { cpus } from "node:os";
import { setTimeout } from "node:timers/promises";

/**
 * Keeps this thread, and the processes it starts, on the core that is least busy just now, and says which: so all
 * contenders have the same neighbours (measured on a busy machine: without it, one and the same kernel takes between 0.9
 * and 1.3 times as long as C). Does nothing where there is no `taskset`.
 */
export async function stayOnOneCore(): Promise<number | undefined> {
  const before = idleTimes();
  await setTimeout(300);
  const idle = idleTimes().map((time, i) => time - before[i]);
  const core = idle.indexOf(Math.max(...idle));
  const { status } = spawnSync("taskset", ["-cp", String(core), String(process.pid)]);
  return status === 0 ? core : undefined;
}

/** Runs Node on all cores, though this thread may be kept on one; returns what it prints. */
export function runOnAllCores(args: readonly string[], cwd?: string | URL): string {
  const cores = ["-c", `0-${cpus().length - 1}`];
  const pins = spawnSync("taskset", [...cores, "true"]).status === 0;
  const [program, ...rest] = [...(pins ? ["taskset", ...cores] : []), process.execPath, ...args];
  return execFileSync(program, rest, { cwd, encoding: "utf8" });
}

function idleTimes(): number[] {
  return cpus().map(({ times }) => times.idle);
}
