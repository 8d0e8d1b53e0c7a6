// Makes dist: bundles, `index.js`, `js.js` (the same entry, with x.plain.ts in place of x.ts where there is one) and
// `safetensors.js`, the kernels as files, the declarations that the entries reach, and the command line in `bench`.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { copyFileSync, cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { basename, relative } from "node:path";
import { rolldown } from "rolldown";
import ts from "typescript";
import "./generate.mjs";

const plainly = {
  name: "plainly",
  resolveId: {
    filter: { id: /\/(wasm|streams)\.js$/ },
    handler: (id) => `${process.cwd()}/src/${basename(id, ".js")}.plain.ts`,
  },
};

// gradstep/threads speaks to the main entry, which it must not have a copy of
const besideMain = {
  name: "beside-main",
  resolveId: { filter: { id: /^\.\.\/index\.js$/ }, handler: () => ({ id: "./index.js", external: true }) },
};

// when it is imported, it makes a decoder that not every environment has, and changes Object for engines that are older than SIMD
const quietly = {
  name: "quietly",
  transform: {
    filter: { id: /@assemblyscript\/loader/ },
    handler(code) {
      const found = [
        ["const utf16 =", "const utf16 = () =>"],
        ["utf16.decode(", "utf16().decode("],
        ["Object.hasOwn = Object.hasOwn ||", "const unused ="],
      ];
      for (const [text] of found) if (!code.includes(text)) throw new Error(`the loader has no "${text}"`);
      return { code: found.reduce((made, [text, other]) => made.replace(text, other), code), map: null };
    },
  },
};

rmSync("dist", { recursive: true, force: true });
mkdirSync("dist/kernels", { recursive: true });
const declared = declare();
await bundle("index", "src/index.ts", [quietly]);
await bundle("js", "src/index.ts", [plainly]);
await bundle("safetensors", "src/safetensors/index.ts", []);
await bundle("threads", "src/threads/index.ts", [besideMain]);
await bundle("threads/worker", "src/threads/worker.ts", []);
for (const name of ["f32", "f64", "f32-decay", "f64-decay", "f32-fused", "f64-fused"])
  copyFileSync(`build/${name}.wasm`, `dist/kernels/${name}.wasm`);
await command();
await declared;
declarations();
await document();

// Rolldown, because it marks what it makes of `import * as` as pure: a bundler that takes one optimizer can drop the others.
async function bundle(name, entry, plugins) {
  const made = await rolldown({
    input: { [name]: entry },
    platform: "neutral",
    resolve: { mainFields: ["module", "main"] },
    transform: { target: "es2022" },
    plugins,
  });
  await made.write({ dir: "dist", sourcemap: true, comments: { jsdoc: false } });
}

/** What the package can do in a terminal: it runs the package's own entry, and compiles C where there is a compiler. */
async function command() {
  const made = await rolldown({
    input: { bin: "bench/bin.ts", "hand/adaptive": "bench/hand/adaptive.ts", "hand/descent": "bench/hand/descent.ts" },
    platform: "node",
    external: ["gradstep"],
    transform: { target: "es2022" },
  });
  await made.write({ dir: "dist/bench", comments: { jsdoc: false }, minify: { compress: true, mangle: false } });
  cpSync("bench/native", "dist/bench/native", { recursive: true });
  for (const file of ["worker.js", "tfjs.js", "jax.js", "torch.py"]) {
    cpSync(`bench/peers/${file}`, `dist/bench/peers/${file}`);
  }
}

/** Writes all declarations to build, where the compiler looks at nothing twice. */
async function declare() {
  const compiler = "node_modules/typescript/bin/tsc";
  const [code] = await once(
    spawn(process.execPath, [compiler, "-p", "scripts/declarations.json"], { stdio: "inherit" }),
    "exit",
  );
  if (code !== 0) process.exit(1);
}

/** Takes over those that the entries reach. */
function declarations() {
  const from = "build/declarations";
  writeFileSync(`${from}/js.d.ts`, 'export * from "./index.js";\n');
  writeFileSync(`${from}/safetensors.d.ts`, 'export * from "./safetensors/index.js";\n');
  writeFileSync(`${from}/threads.d.ts`, 'export * from "./threads/index.js";\n');
  const entries = ["js", "safetensors", "threads"].map((name) => `${from}/${name}.d.ts`);
  for (const { fileName } of ts.createProgram(entries, { types: [] }).getSourceFiles()) {
    const file = relative(from, fileName);
    if (!file.startsWith("..")) cpSync(fileName, `dist/${file}`);
  }
}

/** Writes into the declarations of the optimizers, and of `opt.lr` and the like, what each option means. */
async function document() {
  const { optimizers } = await import("../dist/index.js");
  const { describe, meaningOf, sentence } = await import("./meanings.mjs");
  for (const made of Object.values(optimizers)) {
    edit(`dist/optimizers/${made.optimizer}.d.ts`, /^( +)(\w+)(?=: (number|true|false|string);$)/gm, (name) =>
      name in made.defaults ? describe(made, name) : "",
    );
  }
  edit("dist/types.d.ts", /^( +)get (\w+)(?=\(\): number;$)/gm, (name) => {
    const meaning = meaningOf(name);
    return meaning ? sentence(meaning) : "";
  });
}

/** Writes a comment over each line that is found; the pattern's second group is what it is about. */
function edit(file, pattern, commentOn) {
  const text = readFileSync(file, "utf8").replace(pattern, (line, indent, name) => {
    const comment = commentOn(name);
    return comment ? `${indent}/** ${comment} */\n${line}` : line;
  });
  writeFileSync(file, text);
}
