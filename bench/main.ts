import { cases, create } from "./cases.js";
import { stayOnOneCore } from "./core.js";
import { type Flags, help, parseFlags } from "./flags.js";
import { openNative } from "./native.js";
import { showProgress } from "./progress.js";
import { describeMachine, describeRun, format, type Report } from "./report.js";
import { run } from "./run.js";
import { runSmall } from "./small.js";
import { evaluate, targetSizes } from "./targets.js";

// nothing that is imported here is a CommonJS package: to read one, Node grows a WebAssembly memory, and once any array buffer of a process
// has been detached, all its loops over typed arrays are slower (measured: JavaScript by hand 4.1 against 3.3 ns)
const flags = read();
if (flags?.help) console.log(help);
else if (flags?.rules) await benchRules(flags);
else if (flags) await bench(flags);

function read(): Flags | undefined {
  try {
    return parseFlags(process.argv.slice(2));
  } catch (error) {
    console.error(`bench: ${(error as Error).message}`);
    process.exitCode = 2;
    return undefined;
  }
}

async function bench({ labels, sizes, dtypes, quick, json }: Flags): Promise<void> {
  const native = openNative();
  const core = await stayOnOneCore();
  const progress = showProgress();
  const rows = await run({
    cases: cases.filter((c) => labels.includes(c.label)),
    dtypes,
    sizes,
    milliseconds: 10,
    rounds: (n) => (n > 2 ** 21 ? 3 : targetSizes.includes(n) ? (quick ? 15 : 9) : 4),
    native,
    progress: progress.show,
  });
  progress.show(1, 1, "small steps");
  const small = runSmall(10, 11);
  progress.end();
  const header = describeRun(describeMachine(hasSimd(), core), native);
  const report: Report = { header, rows, small, targets: evaluate(rows, small) };
  process.stdout.write(json ? `${JSON.stringify(report, null, 2)}\n` : format(report));
}

/** What measures the floors parses and compiles, which does no loop in WebAssembly any harm. */
async function benchRules({ labels, sizes, dtypes, json }: Flags): Promise<void> {
  const { runRules } = await import("./rules.js");
  const { formatRules } = await import("./rules-report.js");
  const core = await stayOnOneCore();
  const progress = showProgress();
  const rows = await runRules({
    cases: cases.filter((c) => labels.includes(c.label)),
    dtypes,
    sizes,
    milliseconds: 10,
    rounds: (n) => (n > 2 ** 21 ? 5 : 9),
    progress: progress.show,
  });
  progress.end();
  const report = { header: describeMachine(hasSimd(), core), rows };
  process.stdout.write(json ? `${JSON.stringify(report, null, 2)}\n` : formatRules(report));
}

function hasSimd(): boolean {
  return create(cases[0], "f32", "auto", [1]).backend === "wasm";
}
