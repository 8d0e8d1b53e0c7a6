// Runs test files in other engines: node tests/engines/run.mjs [--engines=bun,deno] [--reports=folder] [file …]
// First: npm run engines. The environment is handed on, so GRADSTEP_FULL=1 selects the whole parity product.
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, writeFileSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { parseArgs } from "node:util";
import { count } from "./count.mjs";

const installed = "tests/engines/node_modules";
const commands = {
  node: [process.execPath],
  "node-22": [`${installed}/node-22/bin/node`],
  "node-24": [`${installed}/node-24/bin/node`],
  "node-26": [`${installed}/node-26/bin/node`],
  bun: [`${installed}/bun/bin/bun`],
  deno: [`${installed}/deno/deno`, "run", "--allow-all", "--no-lock"],
};

const { values, positionals: files } = parseArgs({
  allowPositionals: true,
  options: {
    engines: { type: "string", default: Object.keys(commands).join() },
    reports: { type: "string", default: join(tmpdir(), "gradstep-engines") },
  },
});
mkdirSync(values.reports, { recursive: true });

const waiting = values.engines.split(",");
const summary = [];
await Promise.all(Array.from({ length: availableParallelism() }, work));
console.log(`\n${summary.join("\n")}`);

async function work() {
  for (let name = waiting.shift(); name; name = waiting.shift()) await run(name);
}

async function run(name) {
  const report = join(values.reports, `${name}.json`);
  writeFileSync(report, "");
  const [binary, ...flags] = commands[name];
  const version = execFileSync(binary, ["--version"], { encoding: "utf8" }).split("\n")[0];
  console.log(`${name} ${version} runs`);
  const started = performance.now();
  const options = ["--testTimeout=900000", "--reporter=default", "--reporter=json", `--outputFile.json=${report}`];
  const child = spawn(binary, [...flags, "node_modules/vitest/vitest.mjs", "run", ...files, ...options], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const [output, [status]] = await Promise.all([text(child.stdout), once(child, "exit")]);
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  const { passed, failed } = count(report);
  console.log(`\n== ${name}\n${output}`);
  summary.push(`${name.padEnd(8)} ${passed} passed, ${failed} failed, ${seconds} s`);
  if (status !== 0) process.exitCode = 1;
}
