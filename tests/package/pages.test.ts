import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { build, createServer } from "vite";
import { afterAll, beforeAll, expect, inject, test } from "vitest";
import { type Browser, browsers } from "./browsers.js";
import { numbers, program } from "./example.js";
import { serve } from "./serve.js";

const project = inject("project");
const root = join(project, "site");
let browser: Browser;

beforeAll(async () => {
  mkdirSync(root);
  const page = (script: string) => `<!doctype html><link rel="icon" href="data:,">${script}`;
  const module = '<script type="module" src="/page.js"></script>';
  const map = JSON.stringify({ imports: { gradstep: "/node_modules/gradstep/dist/index.js" } });
  writeFileSync(join(root, "index.html"), page(module));
  writeFileSync(join(root, "page.js"), `import { Adam } from "gradstep"; ${program} globalThis.answer = answer;`);
  writeFileSync(join(root, "worker.html"), page(module.replace("page.js", "main.js")));
  writeFileSync(join(root, "worker.js"), `import { Adam } from "gradstep"; ${program} postMessage(answer);`);
  writeFileSync(
    join(root, "main.js"),
    `const worker = new Worker(new URL("./worker.js", import.meta.url), { type: "module" });
     worker.onmessage = ({ data }) => { globalThis.answer = data; };`,
  );
  writeFileSync(
    join(project, "plain.html"),
    page(`<script type="importmap">${map}</script>${module.replace("/page", "/site/page")}`),
  );
  await build({
    root,
    configFile: false,
    logLevel: "error",
    build: { rollupOptions: { input: ["index.html", "worker.html"].map((name) => join(root, name)) } },
  });
  browser = await browsers.chromium();
});

afterAll(() => browser?.close());

const right = { answer: ["wasm", ...numbers], complaints: [] };

test.each(["", "worker.html"])("Vite's build runs: /%s", async (path) => {
  const { url, close } = await serve(join(root, "dist"));
  expect(await browser.visit(url + path)).toEqual(right);
  close();
});

test.each(["", "worker.html"])("Vite's dev server runs: /%s", async (path) => {
  const server = await createServer({
    root,
    configFile: false,
    logLevel: "error",
    server: { host: "127.0.0.1", port: 0 },
  });
  await server.listen();
  expect(await browser.visit(server.resolvedUrls?.local[0] + path)).toEqual(right);
  await server.close();
});

test("the file runs as it is, without a bundler", async () => {
  const { url, close } = await serve(project);
  expect(await browser.visit(`${url}plain.html`)).toEqual(right);
  close();
});

test("a page that may run WebAssembly but no eval", async () => {
  const policy = "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; img-src data:";
  const { url, close } = await serve(join(root, "dist"), { "Content-Security-Policy": policy });
  expect(await browser.visit(url)).toEqual(right);
  close();
});

test("a page that may not compile WebAssembly falls back without a word", async () => {
  const policy = "default-src 'self'; script-src 'self'; img-src data:";
  const { url, close } = await serve(join(root, "dist"), { "Content-Security-Policy": policy });
  expect(await browser.visit(url)).toEqual({ answer: ["js", ...numbers], complaints: [] });
  close();
});
