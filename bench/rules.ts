import type { Case } from "./cases.js";
import { library } from "./contenders.js";
import type { Dtype } from "./data.js";
import { type Floor, floorOf, needs, ratioOf } from "./floor.js";
import { kernelSources, readKernels } from "./kernels.js";
import { type Work, workOf } from "./passes.js";
import { compileProbes, type Probes } from "./probes.js";
import { isMarked } from "./rules-report.js";
import { type Plan, rotate } from "./run.js";
import { summarize } from "./statistics.js";

/** A rule beside its floor. */
export interface RuleRow {
  label: string;
  dtype: Dtype;
  n: number;
  nsPerElement: number;
  /** null for a rule that multiplies matrices: how fast it does that is what counts. */
  floor: (Floor & { ratio: number }) | null;
  gflops: number | null;
  /** Why its time tells little, if so. */
  doubt: string | null;
}

/** Larger matrices are not multiplied: it takes seconds. */
const largestMatrix = 65536;

/** Measures rules in turns with probes of what they cannot do without. */
export async function runRules(plan: Omit<Plan, "native">): Promise<RuleRow[]> {
  const { cases, dtypes, sizes, progress } = plan;
  const kernels = readKernels(kernelSources());
  const subjects = cases.map((c) => ({ c, work: workOf(c, kernels) }));
  const all = needs(subjects.flatMap(({ work }) => work.passes));
  const todo = subjects.flatMap(({ c, work }) => {
    return sizes.filter((n) => work.flops === 0 || n <= largestMatrix).map((n) => ({ c, work, n }));
  });
  const rows: RuleRow[] = [];
  for (const dtype of dtypes) {
    const probes = await compileProbes(dtype, all.streams, all.words);
    // the first of all would meet what the compilers left for the engine to clean up
    if (todo.length > 0) await measure(todo[0].c, todo[0].work, dtype, todo[0].n, probes, plan);
    for (const { c, work, n } of todo) {
      progress(rows.length + 1, dtypes.length * todo.length, `${c.label} ${dtype}, n = ${n}`);
      rows.push(await least(() => measure(c, work, dtype, n, probes, plan)));
    }
  }
  return rows;
}

/** What is far above its floor is measured again: on a busy machine it is so now and then. */
export async function least(measure: () => Promise<RuleRow>): Promise<RuleRow> {
  let row = await measure();
  for (let again = 0; again < 3 && isMarked(row); again++) {
    const next = await measure();
    if (next.floor && row.floor && next.floor.ratio < row.floor.ratio) row = next;
  }
  return row;
}

async function measure(
  c: Case,
  { passes, flops }: Work,
  dtype: Dtype,
  n: number,
  probes: Probes,
  { milliseconds, rounds }: Pick<Plan, "milliseconds" | "rounds">,
): Promise<RuleRow> {
  const { streams, words } = needs(flops > 0 ? [] : passes);
  const subject = library(c, dtype, n, "wasm", nearSquare(n));
  const others = [...streams.map((each) => probes.streams(each, n)), ...words.map((word) => probes.word(word))];
  const [steps, ...rest] = await rotate([subject, ...others], milliseconds, rounds(n));
  const doubt = doubtOf(() => subject.close());
  const times = steps.map((time) => time / n);
  const nsPerElement = summarize(times).median;
  const id = { label: c.label, dtype, n, nsPerElement, doubt };
  if (flops > 0) return { ...id, floor: null, gflops: (flops * Math.sqrt(n)) / nsPerElement, doubt };
  const names = [...streams, ...words];
  const floorWith = (pick: (turns: readonly number[]) => number) =>
    floorOf(passes, new Map(names.map((name, k) => [name, pick(rest[k])])));
  const floor = floorWith((turns) => summarize(turns).median);
  const floors = times.map((_, round) => floorWith((turns) => turns[round]).ns);
  return { ...id, floor: { ...floor, ratio: ratioOf(times, floors) }, gflops: null };
}

/** With the same gradient in thousands of steps some rules come to subnormal numbers: no reason to leave out the others. */
function doubtOf(close: () => void): string | null {
  try {
    close();
    return null;
  } catch (error) {
    return (error as Error).message;
  }
}

/** The sides of a matrix of n elements, as near to each other as can be. */
export function nearSquare(n: number): [rows: number, columns: number] {
  let rows = Math.floor(Math.sqrt(n));
  while (n % rows !== 0) rows--;
  return [rows, n / rows];
}
