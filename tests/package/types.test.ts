import { spawnSync } from "node:child_process";
import { cpSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, expect, inject, test } from "vitest";

const compilers = {
  "5.6": "tests/engines/node_modules/typescript-5.6/bin/tsc",
  "6.0": "node_modules/typescript/bin/tsc",
};
const resolutions = { nodenext: "nodenext", bundler: "esnext" };

beforeAll(() => cpSync("tests/package/consumer/types.ts", join(inject("project"), "types.ts")));

const table = Object.keys(compilers).flatMap((version) => Object.keys(resolutions).map((to) => [version, to] as const));

// without the types of a browser or of Node, and with the library's declarations checked
test.each(table)("TypeScript %s compiles against the declarations, resolved as %s", (version, moduleResolution) => {
  const compilerOptions = {
    target: "es2022",
    lib: ["es2022"],
    types: [],
    module: resolutions[moduleResolution as keyof typeof resolutions],
    moduleResolution,
    strict: true,
    exactOptionalPropertyTypes: true,
    skipLibCheck: false,
    noEmit: true,
  };
  const config = join(inject("project"), `tsconfig.${version}.${moduleResolution}.json`);
  writeFileSync(config, JSON.stringify({ compilerOptions, files: ["types.ts"] }));
  const tsc = compilers[version as keyof typeof compilers];
  const { stdout } = spawnSync(process.execPath, [tsc, "-p", config], { encoding: "utf8" });
  expect(stdout).toBe("");
});
