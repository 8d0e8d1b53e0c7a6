// One peer in a process of its own: `node worker.js <library> <backend> <folder to find it from>`. It says who it is, and then
// answers each line of JSON on stdin with one on stdout, as torch.py does:
//   { rule, options, n, data }   sets up a parameter and a gradient from a file of float32, p and then g
//   { steps, out }               takes steps and writes p to a file
//   { milliseconds }             steps for so long; the median time of a step in nanoseconds
import { readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { createInterface } from "node:readline";

const [library, backend, folder] = process.argv.slice(2);
const say = (answer) => process.stdout.write(`${JSON.stringify(answer)}\n`);
const { open } = await import(`./${library}.js`);
const { version, rules, setUp } = await open(backend, createRequire(join(folder, "package.json")));
let subject;
let batch;
say({ version, rules });
for await (const line of createInterface(process.stdin)) {
  try {
    say(await answer(JSON.parse(line)));
  } catch (error) {
    say({ error: `${error.message}` });
  }
}

async function answer({ rule, options, n, data, steps, out, milliseconds }) {
  if (rule) {
    subject?.close();
    const bytes = readFileSync(data);
    const numbers = new Float32Array(bytes.buffer, bytes.byteOffset, 2 * n);
    subject = await setUp(rule, options, numbers.slice(0, n), numbers.slice(n));
    batch = Math.max(1, Math.floor(16384 / n));
    return {};
  }
  if (steps) {
    for (let i = 0; i < steps; i++) await subject.step();
    writeFileSync(out, await subject.read());
    return {};
  }
  return { ns: await timeSteps(milliseconds) };
}

/** As ../measure.ts does: a tenth of the time warms up, and there are three samples at least. */
async function timeSteps(milliseconds) {
  const samples = [];
  const begin = performance.now();
  let warm = false;
  while (samples.length < 3 || performance.now() - begin < 1.1 * milliseconds) {
    const start = performance.now();
    for (let i = 0; i < batch; i++) {
      const pending = subject.step();
      if (pending) await pending;
    }
    if (warm) samples.push(performance.now() - start);
    else warm = performance.now() - begin >= milliseconds / 10;
  }
  samples.sort((a, b) => a - b);
  const middle = (samples.length - 1) / 2;
  return (((samples[Math.floor(middle)] + samples[Math.ceil(middle)]) / 2) * 1e6) / batch;
}
