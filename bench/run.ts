import { checkAgreement } from "./agree.js";
import { type Case, loopName } from "./cases.js";
import { byHand, type Contender, compiled, library } from "./contenders.js";
import { arrays, type Dtype } from "./data.js";
import { type HandLoop, handLoops } from "./hand.js";
import { batchFor, timeSteps } from "./measure.js";
import type { Native } from "./native.js";
import type { Peer } from "./peers.js";
import { type Summary, summarize } from "./statistics.js";

export interface Plan {
  cases: readonly Case[];
  dtypes: readonly Dtype[];
  sizes: readonly number[];
  /** How long a turn lasts. */
  milliseconds: number;
  /** Turns of each contender at `n` elements, after one that is not counted. */
  rounds: (n: number) => number;
  native?: Native;
  peers?: readonly Peer[];
  /** Told of a peer whose numbers are others; it is not timed. */
  disagrees?: (peer: string, why: string) => void;
  progress: (done: number, total: number, text: string) => void;
}

/** What one contender took for one rule, dtype and size. */
export interface Row {
  rule: string;
  variant: string;
  dtype: Dtype;
  n: number;
  /** "wasm", "twin", "hand", "gcc", the name of a peer, or "copy". */
  contender: string;
  /** The median over the turns; of each turn, its median step. */
  nsPerElement: number;
  spread: Omit<Summary, "median">;
  gbPerSecond: number;
  /** Its time over that of wasm, each turn against the turn beside it: the median, and its spread. */
  timesWasm: Summary | null;
}

/** Measures every case, dtype and size of a plan. Contenders must agree before they are timed. */
export async function run(plan: Plan): Promise<Row[]> {
  const { cases, dtypes, sizes } = plan;
  const rows: Row[] = [];
  const total = dtypes.length * cases.length * sizes.length;
  let done = 0;
  for (const dtype of dtypes) {
    const hand = await handLoops(dtype);
    for (const n of sizes) rows.push(copyRow(dtype, n, plan));
    for (const c of cases) {
      const loop = hand[loopName(c) + ("weightDecay" in c.options ? "Decay" : "")];
      const native = plan.native?.loops.has(loopName(c)) ? plan.native : undefined;
      checkAgreement(c, dtype, loop, native);
      const peers = dtype === "f32" ? await agreeing(c, plan) : [];
      for (const n of sizes) {
        plan.progress(++done, total, `${c.label} ${dtype}, n = ${n}`);
        rows.push(...(await measure(c, dtype, n, plan, { loop, native, peers })));
      }
    }
  }
  return rows;
}

/** The peers that have a case and its numbers. */
async function agreeing(c: Case, { peers = [], disagrees }: Plan): Promise<Peer[]> {
  const agreed: Peer[] = [];
  for (const peer of peers.filter(({ rules }) => rules.has(c.label))) {
    try {
      await peer.check(c);
      agreed.push(peer);
    } catch (error) {
      disagrees?.(peer.name, (error as Error).message);
    }
  }
  return agreed;
}

/** One copy of n elements, for scale. */
function copyRow(dtype: Dtype, n: number, plan: Plan): Row {
  const from = new arrays[dtype](n).fill(1);
  const to = new arrays[dtype](n);
  const turn = () => timeSteps(() => to.set(from), batchFor(n), plan.milliseconds);
  turn();
  const times = Array.from({ length: plan.rounds(n) }, () => turn() / n);
  const id = { rule: "copy", variant: "TypedArray.set", dtype, n, contender: "copy" };
  return { ...id, ...figures(times, 2 * from.BYTES_PER_ELEMENT), timesWasm: null };
}

interface Others {
  loop?: HandLoop;
  native?: Native;
  peers: readonly Peer[];
}

/** Above this, what the processor's caches cannot hold, only what moves memory as fast as it can is measured. */
const largeFrom = 2 ** 23;

async function measure(c: Case, dtype: Dtype, n: number, plan: Plan, others: Others): Promise<Row[]> {
  const { loop, native, peers } = others;
  const wasm = library(c, dtype, n, "wasm");
  const contenders: Contender[] = [wasm];
  if (native) contenders.push(compiled(c, dtype, n, native));
  if (n <= largeFrom) {
    if (loop) contenders.push(byHand(c, dtype, n, loop));
    contenders.push(library(c, dtype, n, "js"));
  }
  for (const peer of peers) contenders.push(await peer.contender(c, n));
  const times = await rotate(contenders, plan.milliseconds, plan.rounds(n));
  for (const contender of contenders) contender.close();
  // reads p, g and each slot, writes p and each slot
  const bytes = (3 + 2 * wasm.slots) * arrays[dtype].BYTES_PER_ELEMENT;
  return contenders.map(({ name }, k) => ({
    rule: c.rule,
    variant: c.variant,
    dtype,
    n,
    contender: name,
    ...figures(
      times[k].map((time) => time / n),
      bytes,
    ),
    timesWasm: k === 0 ? null : summarize(times[k].map((time, round) => time / times[0][round])),
  }));
}

/** Turns in rotation, so that a slow spell of the machine meets all contenders; the first round warms up. */
export async function rotate(
  contenders: readonly Pick<Contender, "turn">[],
  milliseconds: number,
  rounds: number,
): Promise<number[][]> {
  const times: number[][] = contenders.map(() => []);
  for (let round = 0; round <= rounds; round++) {
    for (const [k, contender] of contenders.entries()) {
      const time = await contender.turn(milliseconds);
      if (round > 0) times[k].push(time);
    }
  }
  return times;
}

function figures(nsPerElement: readonly number[], bytes: number): Pick<Row, "nsPerElement" | "spread" | "gbPerSecond"> {
  const { median, ...spread } = summarize(nsPerElement);
  return { nsPerElement: median, spread, gbPerSecond: bytes / median };
}
