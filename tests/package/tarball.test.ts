import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join, normalize } from "node:path";
import { build } from "esbuild";
import { describe, expect, inject, test } from "vitest";

const installed = join(inject("project"), "node_modules/gradstep");
const read = (file: string) => readFileSync(join(installed, file), "utf8");
const bytes = (file: string) => statSync(join(installed, file)).size;
const files = (readdirSync(installed, { recursive: true }) as string[]).filter((file) =>
  statSync(join(installed, file)).isFile(),
);

/** Runs a checker that is installed beside the engines; its output is shown when it complains. */
function check(tool: string, ...args: string[]): void {
  const path = join("tests/engines/node_modules", tool);
  execFileSync(process.execPath, [path, ...args], { stdio: "pipe", encoding: "utf8" });
}

describe("the tarball", () => {
  test("has what it should, and nothing else", () => {
    const expected = [
      /^(package\.json|LICENSE|README\.md|CHANGELOG\.md|THIRD-PARTY-NOTICES\.md)$/,
      /^docs\/[a-z-]+\.(md|svg)$/,
      /^dist\/([a-z-]+|threads\/worker)\.js(\.map)?$/,
      /^dist\/([\w.-]+\/)*[\w.-]+\.d\.ts$/,
      /^dist\/bench\/(hand\/)?\w+\.js$/,
      /^dist\/bench\/(native\/\w+\.[ch]|peers\/\w+\.(js|py))$/,
      /^dist\/kernels\/f(32|64)(-decay|-fused)?\.wasm$/,
    ];
    expect(files.filter((file) => !expected.some((pattern) => pattern.test(file)))).toEqual([]);
    for (const { types, default: main } of entries()) expect(files).toEqual(expect.arrayContaining([types, main]));
    expect(files).toEqual(expect.arrayContaining(["LICENSE", "README.md", "THIRD-PARTY-NOTICES.md"]));
  });

  test("is small", () => {
    const packed = statSync(inject("tarball")).size;
    const unpacked = files.reduce((sum, file) => sum + bytes(file), 0);
    console.log(`tarball: ${files.length} files, ${packed} bytes packed, ${unpacked} unpacked`);
    expect(packed).toBeLessThan(1_000_000);
    for (const file of files) expect(bytes(file), file).toBeLessThan(1_500_000);
  });

  test.each(files.filter((file) => file.endsWith(".md")))("%s links to what is there", (page) => {
    const links = [...read(page).matchAll(/\]\((?!\w+:)([^#)]+)/g)].map(([, link]) =>
      normalize(join(page, "..", link)),
    );
    expect(links.filter((link) => !files.includes(link))).toEqual([]);
  });

  test("needs no other package", () => {
    expect(JSON.parse(read("package.json"))).not.toHaveProperty("dependencies");
    expect(readdirSync(join(inject("project"), "node_modules")).filter((name) => !name.startsWith("."))).toEqual([
      "gradstep",
    ]);
  });

  test("pleases publint", () => {
    check("publint/src/cli.js", "run", inject("tarball"), "--strict");
  });

  test("pleases arethetypeswrong", () => {
    check(
      "@arethetypeswrong/cli/dist/index.js",
      inject("tarball"),
      "--profile",
      "esm-only",
      "--exclude-entrypoints",
      "./threads/worker.js",
    );
  });
});

describe.each(entries())("$default", ({ default: file }) => {
  test("runs anywhere: no built-in module, no import.meta, no top-level await", async () => {
    const { warnings } = await build({
      entryPoints: [join(installed, file)],
      bundle: true,
      write: false,
      platform: "browser",
      format: "esm",
      supported: { "import-meta": false, "top-level-await": false, "dynamic-import": false },
      logLevel: "silent",
    });
    expect(warnings).toEqual([]);
    // what comes beside the main entry may import it
    expect(read(file)).not.toMatch(/^import (?!.* from "\.\/index\.js";)/m);
  });

  test("makes no code from strings", () => {
    expect(read(file)).not.toMatch(/\beval\(|\bnew Function\b|\bFunction\(/);
  });

  test("has a source map with the sources in it", () => {
    expect(read(file)).toMatch(/\n\/\/# sourceMappingURL=[\w-]+\.js\.map\n?$/);
    const { sources, sourcesContent } = JSON.parse(read(`${file}.map`));
    expect(sources.length).toBeGreaterThan(10);
    for (const source of sources) expect(source).toMatch(/^\.\.\/(src|node_modules)\//);
    for (const [i, content] of sourcesContent.entries()) expect(content, sources[i]).toMatch(/\S/);
  });
});

test("gradstep/js does not mention WebAssembly", () => {
  expect(read("dist/js.js").match(/.*WebAssembly.*/g)).toBeNull();
});

/** The entries that package.json names, but for plain files. */
function entries(): { types: string; default: string }[] {
  const { exports } = JSON.parse(read("package.json"));
  const found = Object.values<string | { types: string; default: string }>(exports).filter(
    (e) => typeof e !== "string",
  );
  return found.map((e) => ({ types: e.types.slice(2), default: e.default.slice(2) }));
}
