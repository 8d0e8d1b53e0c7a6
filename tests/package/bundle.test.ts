import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";
import { expect, inject, test } from "vitest";
import { optimizers } from "../../src/index.js";
import * as toolkit from "../../src/toolkit/index.js";
import { numbers, program } from "./example.js";

const names = Object.values(optimizers).map(({ name }) => name);

/** A program as a browser would load it: bundled and minified, with the installed tarball. */
async function bundle(contents: string): Promise<string> {
  const { outputFiles, warnings } = await build({
    stdin: { contents, resolveDir: inject("project") },
    bundle: true,
    minify: true,
    write: false,
    platform: "browser",
    format: "esm",
    logLevel: "silent",
  });
  expect(warnings).toEqual([]);
  return outputFiles[0].text;
}

test.each([
  ["gradstep", "wasm"],
  ["gradstep/js", "js"],
])("a bundle of %s runs", async (entry, backend) => {
  const text = await bundle(`import { Adam } from "${entry}"; ${program} console.log(JSON.stringify(answer));`);
  const printed = execFileSync(process.execPath, ["--input-type=module"], { input: text, encoding: "utf8" });
  expect(JSON.parse(printed)).toEqual([backend, ...numbers]);
});

// what comes down the wire
test.each([
  ["*", "gradstep", 81_000],
  ["{ optimizers }", "gradstep", 68_000],
  ["{ Adam }", "gradstep", 37_500],
  ["{ Adam }", "gradstep/js", 15_000],
])("%s from %s is small", async (names, entry, budget) => {
  const text = await bundle(`export ${names} from "${entry}";`);
  const size = gzipSync(text, { level: 9 }).length;
  console.log(`${names} from ${entry}: ${text.length} bytes minified, ${size} gzipped`);
  expect(size).toBeLessThan(budget);
});

test("the kernels of both dtypes are small", () => {
  const sizes = ["f32", "f64", "f32-decay", "f64-decay", "f32-fused", "f64-fused"].map((name) => {
    const path = join(inject("project"), `node_modules/gradstep/dist/kernels/${name}.wasm`);
    return gzipSync(readFileSync(path), { level: 9 }).length;
  });
  console.log(`kernels gzipped: ${sizes.join(", ")} bytes`);
  expect(sizes.reduce((sum, size) => sum + size, 0)).toBeLessThan(24_000);
});

test.each(names)("%s comes without the other optimizers", async (name) => {
  const text = await bundle(`export { ${name} } from "gradstep/js";`);
  expect(names.filter((other) => text.includes(`name:"${other}"`))).toEqual([name]);
});

test("checkpoints come without optimizers and without WebAssembly", async () => {
  const text = await bundle('export * from "gradstep/safetensors";');
  expect(names.filter((name) => text.includes(`"${name}"`))).toEqual([]);
  expect(text).not.toContain("WebAssembly");
  const size = gzipSync(text, { level: 9 }).length;
  console.log(`gradstep/safetensors: ${text.length} bytes minified, ${size} gzipped`);
  expect(size).toBeLessThan(8_000);
});

test.each(Object.keys(toolkit))("%s comes without optimizers", async (name) => {
  const text = await bundle(`export { ${name} } from "gradstep/js";`);
  expect(names.filter((other) => text.includes(`name:"${other}"`))).toEqual([]);
});

test("an import that is not used leaves nothing", async () => {
  expect(await bundle('import { Adam } from "gradstep";')).toBe("");
});
