import { closeSync, openSync, writeFileSync } from "node:fs";
import { cases, create } from "./cases.js";
import { stayOnOneCore } from "./core.js";
import type { Experiment } from "./experiment.js";
import { type Flags, helpFor, parseFlags } from "./flags.js";
import { htmlReport } from "./html.js";
import { openNative } from "./native.js";
import { knownPeers, openPeers } from "./peers.js";
import { showProgress } from "./progress.js";
import { describeMachine, describeRun, format, type Report } from "./report.js";
import { run } from "./run.js";
import { runSmall } from "./small.js";
import { evaluate, judge, targetSizes } from "./targets.js";

/** Where the command runs, and what it can do there. */
export interface Place {
  /** How it is called. */
  call: string;
  /** Where peers of JavaScript are found, and how they come there. */
  peers: string;
  install: string;
  /** What only the repository has. */
  repository?: {
    experiments(): Promise<readonly Experiment[]>;
    rules(flags: Flags): Promise<void>;
    readme(report: Report): void;
  };
}

/** The command with its flags. */
export async function benchCommand(args: readonly string[], place: Place): Promise<void> {
  const { call, repository } = place;
  const flags = read(args, place);
  if (!flags) process.exitCode = 2;
  else if (flags.help) console.log(helpFor(call, repository !== undefined));
  else if (flags.rules) await repository?.rules(flags);
  else await bench(flags, place, [call, ...args].join(" ").replace(/ --$/, ""));
}

function read(args: readonly string[], { call, repository }: Place): Flags | undefined {
  try {
    const flags = parseFlags(args, repository !== undefined);
    // before minutes are spent on what could not be written
    if (flags.html !== undefined) closeSync(openSync(flags.html, "a"));
    return flags;
  } catch (error) {
    console.error(`${(error as Error).message}\n${call} --help says what there is`);
    return undefined;
  }
}

async function bench(flags: Flags, place: Place, command: string): Promise<void> {
  const report = { command, ...(await measure(flags, place)) };
  if (flags.html !== undefined) {
    writeFileSync(flags.html, htmlReport(report));
    console.error(`written: ${flags.html}`);
  }
  if (flags.readme) place.repository?.readme(report);
  process.stdout.write(flags.json ? `${JSON.stringify(report, null, 2)}\n` : format(report));
}

async function measure(
  { labels, sizes, dtypes, quick, ...flags }: Flags,
  place: Place,
): Promise<Omit<Report, "command">> {
  const native = openNative();
  const core = await stayOnOneCore();
  const { peers, notes } = await openPeers(flags.peers ? knownPeers(place.peers, place.install) : []);
  const progress = showProgress();
  const rows = await run({
    cases: cases.filter((c) => labels.includes(c.label)),
    dtypes,
    sizes,
    milliseconds: 10,
    rounds: (n) => (n > 2 ** 21 ? 3 : targetSizes.includes(n) ? (quick ? 15 : 9) : 4),
    native,
    peers,
    disagrees: (name, why) => notes.push({ name, version: null, trouble: why }),
    progress: progress.show,
  });
  for (const peer of peers) peer.close();
  // they are Adam's
  const withSmall = labels.includes("adam") && dtypes.includes("f32");
  if (withSmall) progress.show(1, 1, "small steps");
  const small = withSmall ? runSmall(10, 11) : [];
  const targets = evaluate(rows, small, flags.targets);
  const experiments = flags.targets ? ((await place.repository?.experiments()) ?? []) : [];
  for (const [i, experiment] of experiments.entries()) {
    progress.show(i + 1, experiments.length, experiment.name);
    targets.push(judge(experiment, await experiment.measure()));
  }
  progress.end();
  const header = describeRun(describeMachine(hasSimd(), core), native);
  return { header, peers: notes, rows, small, targets };
}

export function hasSimd(): boolean {
  return create(cases[0], "f32", "auto", [1]).backend === "wasm";
}
