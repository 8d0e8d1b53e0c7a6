import { mkdirSync, writeFileSync } from "node:fs";
import { readDigits } from "./mnist/idx.js";
import { type MnistPair, mnistComplaints, mnistHeading, mnistRemark, mnistRows } from "./mnist/results.js";
import { trainMnist } from "./mnist/train.js";
import { moduleComplaints, moduleRemark } from "./module/results.js";
import { compileModule, type ModulePair, trainModule } from "./module/train.js";
import { toPng } from "./orbit/picture.js";
import { contourPicture, lossPicture } from "./orbit/plots.js";
import { report } from "./orbit/report.js";
import { complaints, heading, introduction, remark, row, warning } from "./orbit/results.js";
import { carelessRun, constantRuns, decayedRuns } from "./orbit/runs.js";
import { type Study, study } from "./orbit/study.js";
import type { Run } from "./orbit/train.js";
import { Progress, table, wrap } from "./terminal.js";

const out = new URL("../out/", import.meta.url);

const orbit = runOrbit();
const pictures = { contours: contourPicture(orbit), losses: lossPicture(orbit) };
const mnist = runMnist();
const module = await runModule();
writeOut();

const arrived = [...orbit.constant, ...orbit.decayed].flatMap(complaints);
const wrong = [...arrived, ...mnistComplaints(mnist), ...moduleComplaints(module)];
for (const sentence of wrong) console.error(`WRONG: ${sentence}`);
if (wrong.length > 0) process.exitCode = 1;
else console.log("Every run ended within its tolerance, and wasm and js on the same bits.");

function runOrbit(): Study {
  console.log(`${wrap(introduction())}\n`);
  const progress = new Progress("orbit", constantRuns.length + decayedRuns.length + 1);
  const studied = (run: Run) => {
    const summary = study(run);
    progress.tick(run.name);
    return summary;
  };
  // once without a record, so that the engine is warm when it is timed
  for (const run of constantRuns) study(run);
  const constant = constantRuns.map(studied);
  const decayed = decayedRuns.map(studied);
  const careless = studied(carelessRun);
  console.log(
    `\n${table(heading, [...constant, ...decayed].map(row))}\n${wrap(remark)}\n\n${wrap(warning(careless))}\n`,
  );
  return { constant, decayed, careless };
}

function runMnist(): MnistPair {
  const options = { epochs: 2, batchSize: 64, lr: 0.004, seed: 1 };
  const { epochs, batchSize } = options;
  console.log(`MNIST digits: a 784-128-10 network, AdamW over ${epochs} epochs of batch ${batchSize}, float32.\n`);
  const progress = new Progress("MNIST", 2 * epochs);
  const [training, test] = [readDigits("train"), readDigits("t10k")];
  const wasm = trainMnist(training, test, options, "wasm", (note) => progress.tick(note));
  const js = trainMnist(training, test, options, "js", (note) => progress.tick(note));
  console.log(`\n${table(mnistHeading, mnistRows({ wasm, js }))}\n${mnistRemark({ wasm, js })}\n`);
  return { wasm, js };
}

async function runModule(): Promise<ModulePair> {
  console.log(
    "A training loop in an AssemblyScript module, the parameters of which Adam steps in the module's memory.\n",
  );
  const compiled = await compileModule();
  const [training, test] = [readDigits("train"), readDigits("t10k")];
  const options = { epochs: 1, batchSize: 64, lr: 0.001 };
  const on = (backend: "wasm" | "js") => trainModule(compiled, training, test, options, backend);
  const pair = { wasm: on("wasm"), js: on("js") };
  console.log(`${wrap(moduleRemark(pair))}\n`);
  return pair;
}

function writeOut(): void {
  mkdirSync(out, { recursive: true });
  const write = (name: string, content: string | Uint8Array) => writeFileSync(new URL(name, out), content);
  write("contours.svg", pictures.contours);
  write("contours.png", toPng(pictures.contours));
  write("loss.svg", pictures.losses);
  write("loss.png", toPng(pictures.losses));
  write("report.html", report(orbit, mnist, pictures));
  console.log("Written: out/report.html, and its pictures as out/contours.{svg,png} and out/loss.{svg,png}.");
}
