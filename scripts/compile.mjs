// Compiles the kernels of targets of asconfig.json: node scripts/compile.mjs f32 f32-decay
import { existsSync, readFileSync } from "node:fs";
import { resolve } from "node:path";
import asc from "assemblyscript/asc";

for (const name of process.argv.slice(2)) {
  const form = name.split("-")[1];
  const entries = form ? [`assembly/${form}.ts`] : ["assembly/index.ts", "assembly/tensors.ts"];
  const readFile = (file, folder) => read(resolve(folder, file), form);
  const { error, stderr } = await asc.main([...entries, "--target", name], { readFile });
  if (error) {
    console.error(`${name}: ${error.message}\n${stderr}`);
    process.exitCode = 1;
  }
}

/** What the compiler reads. */
function read(path, form) {
  return existsSync(path) ? unroll(addressed(readFileSync(path, "utf8")), form) : null;
}

/** A slot of the scalars in the load itself, which takes a constant: the compiler adds it to the pointer, in three bytes more. */
function addressed(text) {
  return text.replace(/(?<!function )\bscalar\(h, (\w+)\)/g, "v128.load_splat<real>(h, $1 * sizeof<real>())");
}

/**
 * A short loop without a division waits for nothing but its own counting, so it takes four vectors at a time, and SGD's plain one all
 * eight that a kernel's `n` allows. Measured in the caches: with one, SGD, SGDW, Momentum and Lion take 1.2 to 1.6 times as long, and
 * with two, those of one line take 1.5 times as long on memory that threads share (Node 20, which unrolls further only where memory
 * is not shared). With four, SGD takes 1.1 times as long.
 */
function unroll(text, form) {
  return text.replace(/i \+= VECTOR\) \{\n((?: {4}.*\n){1,4}) {2}\}/g, (loop, body) => {
    if (/\b(div|sqrt|cbrt)\(/.test(body)) return loop;
    const times = !form && /^ {4}update\(.*\n$/.test(body) ? 8 : 4;
    const bodies = Array.from({ length: times }, (_, k) => `{\n${body.replaceAll(" + i", ` + i + ${k} * VECTOR`)}}\n`);
    return `i += ${times} * VECTOR) {\n${bodies.join("")}}`;
  });
}
