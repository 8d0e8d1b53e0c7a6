import { spawnSync } from "node:child_process";
import { cpSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import ts from "typescript";
import { beforeAll, expect, inject, test } from "vitest";

const compilers = {
  "5.2": "tests/engines/node_modules/typescript-5.2/bin/tsc",
  "6.0": "node_modules/typescript/bin/tsc",
  "7.0": "tests/engines/node_modules/typescript-7/bin/tsc",
};
const resolutions = { nodenext: "nodenext", bundler: "esnext" };
const files = ["types.ts", "commented.js"];

beforeAll(() => {
  for (const file of files) cpSync(`tests/package/consumer/${file}`, join(inject("project"), file));
});

const table = Object.keys(compilers).flatMap((version) => Object.keys(resolutions).map((to) => [version, to] as const));

// without the types of a browser or of Node, and with the library's declarations checked
test.each(table)("TypeScript %s compiles against the declarations, resolved as %s", (version, moduleResolution) => {
  const module = resolutions[moduleResolution as keyof typeof resolutions];
  expect(compile(version as keyof typeof compilers, { module, moduleResolution }, files)).toBe("");
});

test("where packages are resolved as Node 10 did, the other entries have types too", () => {
  const source =
    'export * as a from "gradstep/js"; export * from "gradstep/safetensors"; export * from "gradstep/threads";';
  writeFileSync(join(inject("project"), "node10.ts"), source);
  expect(compile("5.2", { module: "esnext", moduleResolution: "node10" }, ["node10.ts"])).toBe("");
});

/** What a compiler says about files of the project. */
function compile(version: keyof typeof compilers, options: Readonly<Record<string, string>>, files: readonly string[]) {
  const compilerOptions = {
    target: "es2022",
    lib: ["es2022"],
    types: [],
    strict: true,
    exactOptionalPropertyTypes: true,
    noUncheckedIndexedAccess: true,
    isolatedModules: true,
    declaration: true,
    checkJs: true,
    skipLibCheck: false,
    noEmit: true,
    ...options,
  };
  const config = join(inject("project"), `tsconfig.${version}.${options.moduleResolution}.json`);
  writeFileSync(config, JSON.stringify({ compilerOptions, files }));
  return spawnSync(process.execPath, [compilers[version], "-p", config], { encoding: "utf8" }).stdout;
}

// what an editor shows where the pointer is on a name
test.each([
  ["new AdamW({ w: 1 }, { lr", "The learning rate. Default 0.001."],
  ["new AdamW({ w: 1 }, { weightDecay", 'Default 0.01, 1e-4 for "optax", 0.004 for "keras".'],
  ["new Adam({ w: 1 }, { weightDecay", "How strongly weights are drawn to 0"],
  ["new Adam({ w: 1 }, { beta2", "In [0, 1). Default 0.999."],
  ["new Adam({ w: 1 }, { amsgrad", "Default false."],
  ["new Adam({ w: 1 }, { clipNorm", "Default: any."],
  ["new optimizers.rmsprop({ w: 1 }, { alpha", "the average of squared gradients"],
  ["new SGD([{ params: { w: 1 }, momentum", "How much of the momentum"],
  ["new AdamW({ w: 1 }).eps", "What keeps a division by 0 away"],
  ["new AdamW({ w: 1 }).groups[0].lr", "The learning rate."],
  ["AdamW.defaults.beta1", "Default 0.9."],
])("%s: is documented", (code, expected) => {
  const file = join(inject("project"), "hover.ts");
  const text = `import { Adam, AdamW, SGD, optimizers } from "gradstep";\n${code}`;
  writeFileSync(file, text);
  const service = ts.createLanguageService({
    getScriptFileNames: () => [file],
    getScriptVersion: () => "",
    getScriptSnapshot: (name) => ts.ScriptSnapshot.fromString(ts.sys.readFile(name) ?? ""),
    getCurrentDirectory: () => inject("project"),
    getCompilationSettings: () => ({ module: ts.ModuleKind.NodeNext, target: ts.ScriptTarget.ES2022, types: [] }),
    getDefaultLibFileName: ts.getDefaultLibFilePath,
    fileExists: ts.sys.fileExists,
    readFile: ts.sys.readFile,
  });
  const shown = service.getQuickInfoAtPosition(file, text.length - 1);
  expect(ts.displayPartsToString(shown?.documentation)).toContain(expected);
});
