import { fileURLToPath } from "node:url";
import { cases } from "./cases.js";
import { benchCommand, hasSimd } from "./command.js";
import { stayOnOneCore } from "./core.js";
import type { Flags } from "./flags.js";
import { showProgress } from "./progress.js";
import { describeMachine } from "./report.js";

// nothing that is imported here is a CommonJS package: to read one, Node grows a WebAssembly memory, and once any array buffer of a process
// has been detached, all its loops over typed arrays are slower (measured: JavaScript by hand 4.1 against 3.3 ns)
await benchCommand(process.argv.slice(2), {
  call: "npm run bench --",
  peers: fileURLToPath(new URL("./peers/", import.meta.url)),
  install: "not installed: npm ci --prefix bench/peers",
  repository: {
    experiments: async () => (await import("./experiments.js")).experiments,
    rules: benchRules,
    readme: (await import("./readme.js")).writeReadme,
  },
});

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
