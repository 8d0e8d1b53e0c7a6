// Compiles the kernels of targets of asconfig.json: node scripts/compile.mjs f32 f32-decay
import { existsSync, readFileSync } from "node:fs";
import { resolve } from "node:path";
import asc from "assemblyscript/asc";

for (const name of process.argv.slice(2)) {
  const form = name.split("-")[1];
  const entries = form ? [`assembly/${form}.ts`] : ["assembly/index.ts", "assembly/tensors.ts"];
  const { error, stderr } = await asc.main([...entries, "--target", name], { readFile });
  if (error) {
    console.error(`${name}: ${error.message}\n${stderr}`);
    process.exitCode = 1;
  }
}

/** What the compiler reads. */
function readFile(file, folder) {
  const path = resolve(folder, file);
  return existsSync(path) ? unroll(readFileSync(path, "utf8")) : null;
}

/**
 * A short loop without a division waits for nothing but its own counting, so it takes several vectors at a time; a kernel's `n`
 * allows eight. Measured in the caches: with one, SGD, SGDW, Momentum and Lion take 1.2 to 1.6 times as long. Four are no faster
 * than two where a vector takes one line or two.
 */
function unroll(text) {
  return text.replace(/i \+= VECTOR\) \{\n((?: {4}.*\n){1,4}) {2}\}/g, (loop, body) => {
    if (/\b(div|sqrt|cbrt)\(/.test(body)) return loop;
    const vectors = body.split("\n").length > 3 ? [0, 1, 2, 3] : [0, 1];
    const bodies = vectors.map((k) => `{\n${body.replaceAll(" + i", ` + i + ${k} * VECTOR`)}}\n`);
    return `i += ${vectors.length} * VECTOR) {\n${bodies.join("")}}`;
  });
}
