// Makes dist: two bundles, `index.js` and `js.js` (the same entry, with wasm.none.ts in place of wasm.ts), the kernels as
// files, and the declarations.
import { execFileSync } from "node:child_process";
import { copyFileSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { build } from "esbuild";
import "./generate.mjs";

const withoutWasm = {
  name: "without-wasm",
  setup: ({ onResolve }) => onResolve({ filter: /\/wasm\.js$/ }, () => ({ path: `${process.cwd()}/src/wasm.none.ts` })),
};

rmSync("dist", { recursive: true, force: true });
mkdirSync("dist/kernels", { recursive: true });
for (const [entry, plugins] of [
  ["index", []],
  ["js", [withoutWasm]],
]) {
  await build({
    entryPoints: { [entry]: "src/index.ts" },
    outdir: "dist",
    bundle: true,
    format: "esm",
    platform: "neutral",
    mainFields: ["module", "main"],
    conditions: ["import"],
    target: "es2022",
    sourcemap: true,
    plugins,
  });
}
for (const dtype of ["f32", "f64"]) copyFileSync(`build/${dtype}.wasm`, `dist/kernels/${dtype}.wasm`);
execFileSync(process.execPath, ["node_modules/typescript/bin/tsc", "-p", "scripts/declarations.json"], {
  stdio: "inherit",
});
writeFileSync("dist/js.d.ts", 'export * from "./index.js";\n');
