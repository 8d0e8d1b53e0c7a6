import { execFileSync } from "node:child_process";
import { resolve } from "node:path";
import { describe, expect, inject, test } from "vitest";
import { numbers, program } from "./example.js";

const print = `${program}\nconsole.log(JSON.stringify(answer));`;
const esm = ["--input-type=module", "--eval"];
const cjs = ["--input-type=commonjs", "--eval"];

/** Runs a program in the project that has the tarball installed. */
function run(source: string, flags = esm, engine = process.execPath): unknown {
  const binary = resolve("tests/engines/node_modules", engine);
  return JSON.parse(
    execFileSync(binary, [...flags, source], { cwd: inject("project"), encoding: "utf8", stdio: "pipe" }),
  );
}

test("import runs in WebAssembly", () => {
  expect(run(`import { Adam } from "gradstep"; ${print}`)).toEqual(["wasm", ...numbers]);
});

test("gradstep/js writes the same numbers", () => {
  expect(run(`import { Adam } from "gradstep/js"; ${print}`)).toEqual(["js", ...numbers]);
});

test.each([
  ["node-22/bin/node", esm],
  ["node-24/bin/node", esm],
  ["node-26/bin/node", esm],
  ["bun/bin/bun", ["--eval"]],
  ["deno/deno", ["eval"]],
])("import in %s", (engine, flags) => {
  const source = `import { Adam } from "gradstep"; ${print}`;
  expect(run(source, flags, engine)).toEqual(["wasm", ...numbers]);
});

test.each([
  [process.execPath, cjs],
  ["node-22/bin/node", cjs],
  ["node-24/bin/node", cjs],
  ["node-26/bin/node", cjs],
  ["bun/bin/bun", ["--eval"]],
])("require in %s", (engine, flags) => {
  const source = `const { Adam } = require("gradstep"); ${print}`;
  expect(run(source, flags, engine)).toEqual(["wasm", ...numbers]);
});

test.each([
  ["node-22/bin/node", esm],
  ["node-26/bin/node", esm],
  ["bun/bin/bun", ["--eval"]],
  ["deno/deno", ["eval"]],
])("a checkpoint goes from gradstep to gradstep/js, as a file and as a stream, in %s", (engine, flags) => {
  const source = `
    import { Adam } from "gradstep";
    import { Adam as Js } from "gradstep/js";
    import { load, loadStream, save, saveStream } from "gradstep/safetensors";
    const from = new Adam({ w: 3 });
    from.step({ w: new Float32Array([1, 2, 3]) });
    const results = [];
    for (const inPlace of [false, true]) {
      const [a, b] = [new Js({ w: 3 }), new Js({ w: 3 })];
      load(a, save(from));
      await loadStream(b, saveStream(from), { inPlace });
      results.push(...[a, b].map((to) => String(to.state.w.m) === String(from.state.w.m) && to.steps === 1));
    }
    console.log(JSON.stringify(results));`;
  expect(run(source, flags, engine)).toEqual([true, true, true, true]);
});

describe("where bytes may not be compiled", () => {
  const forbid = `
    const kernels = ["f32", "f64"].map((dtype) => {
      const url = new URL(import.meta.resolve(\`gradstep/kernels/\${dtype}.wasm\`));
      return new WebAssembly.Module(process.getBuiltinModule("node:fs").readFileSync(url));
    });
    const refuse = () => { throw new WebAssembly.CompileError("Wasm code generation disallowed by embedder"); };
    WebAssembly.Module = new Proxy(WebAssembly.Module, { construct: refuse });`;

  test.each([
    ["allows it", ""],
    ["refuses", "WebAssembly.validate = () => false;"],
    ["throws", "WebAssembly.validate = refuse;"],
  ])("it falls back, where validate %s", (_, more) => {
    const source = `${forbid} ${more} const { Adam } = await import("gradstep"); ${print}`;
    expect(run(source)).toEqual(["js", ...numbers]);
  });

  test("useModule takes compiled kernel files", () => {
    const source = `${forbid} const { Adam, useModule } = await import("gradstep"); kernels.map(useModule); ${print}`;
    expect(run(source)).toEqual(["wasm", ...numbers]);
  });
});

test.each(["node-24/bin/node", "node-26/bin/node"])("a kernel file imported as a module, in %s", (engine) => {
  const source = `
    import source kernels from "gradstep/kernels/f32.wasm";
    import { Adam, useModule } from "gradstep";
    useModule(kernels);
    ${print}`;
  expect(run(source, ["--no-warnings", ...esm], engine)).toEqual(["wasm", ...numbers]);
});

describe("without WebAssembly", () => {
  test("deleted before the import", () => {
    const source = `delete globalThis.WebAssembly; const { Adam } = await import("gradstep"); ${print}`;
    expect(run(source)).toEqual(["js", ...numbers]);
  });

  test("in an engine that has none", () => {
    const source = `import { Adam } from "gradstep"; ${print}`;
    expect(run(source, ["--jitless", "--no-warnings", ...esm])).toEqual(["js", ...numbers]);
  });
});

test("gradstep/js takes no module, and says so", () => {
  expect(() => run('import { useModule } from "gradstep/js"; useModule({});')).toThrow("gradstep/js takes no module");
});

test.each([process.execPath, "node-22/bin/node", "node-24/bin/node", "node-26/bin/node", "bun/bin/bun"])(
  "the command measures, in %s",
  (engine) => {
    const binary = resolve("tests/engines/node_modules", engine);
    const args = ["node_modules/.bin/gradstep", "bench", "--only", "sgd momentum", "--sizes", "64", "--json"];
    const made = JSON.parse(execFileSync(binary, args, { cwd: inject("project"), encoding: "utf8", stdio: "pipe" }));
    const contenders = made.rows.map(({ contender }: { contender: string }) => contender);
    expect(contenders).toEqual(expect.arrayContaining(["copy", "wasm", "hand", "twin"]));
    expect(made.header.simd).toBe(true);
  },
);

test("no code is made from strings", () => {
  const source = `import { Adam } from "gradstep"; ${print}`;
  expect(run(source, ["--disallow-code-generation-from-strings", ...esm])).toEqual(["wasm", ...numbers]);
});

test.each([
  ["gradstep", "wasm"],
  ["gradstep/js", "js"],
])("%s runs with frozen intrinsics", (entry, backend) => {
  const source = `import { Adam } from "${entry}"; ${print}`;
  expect(run(source, ["--frozen-intrinsics", "--no-warnings", ...esm])).toEqual([backend, ...numbers]);
});

test("without the encoding of texts, as where jsdom is the environment of tests", () => {
  const source = `
    delete globalThis.TextDecoder;
    delete globalThis.TextEncoder;
    const { Adam } = await import("gradstep");
    const { load, save } = await import("gradstep/safetensors");
    const file = save(new Adam({ ü: 3 }));
    load(new Adam({ ü: 3 }), file);
    ${print}`;
  expect(run(source)).toEqual(["wasm", ...numbers]);
});

test("an error's stack leads to the sources", () => {
  const source = 'import { Adam } from "gradstep"; new Adam({ w: 1 }, { lr: -1 });';
  expect(() => run(source, ["--enable-source-maps", ...esm])).toThrow(/src\/\w+\.ts:\d+/);
});
