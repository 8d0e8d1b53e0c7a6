// Threads in browsers: on pages that may share memory and on those that may not, the same bits.
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { build } from "vite";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { Adam } from "../../src/index.js";
import { startWorkers } from "../../src/threads/index.js";
import { type Browser, browsers } from "./browsers.js";
import { serve } from "./serve.js";

/** Steps of every kind with one to four threads: what each optimizer says of its threads, and a digest of its parameters. */
async function compare(made: typeof Adam, start: typeof startWorkers) {
  const workers = await start(3);
  const results: [threads: number, digest: number][] = [];
  for (const threads of [1, 2, 3, 4]) {
    const opt = new made({ w: 200_000, b: 70_001, own: new Float32Array(100_001) }, { threads, clipNorm: 1, ema: 0.9 });
    for (const p of Object.values(opt.params)) for (let i = 0; i < p.length; i++) p[i] = ((i * 7919) % 1009) - 500;
    for (const g of Object.values(opt.grads)) for (let i = 0; i < g.length; i++) g[i] = ((i * 104729) % 1013) - 500;
    const handed = Object.fromEntries(Object.entries(opt.grads).map(([name, g]) => [name, new Float32Array(g)]));
    opt.step();
    await opt.stepAsync();
    opt.step(handed as never);
    let digest = 0;
    for (const p of Object.values(opt.params)) {
      const bits = new Int32Array(p.buffer, p.byteOffset, p.length);
      for (const word of bits) digest = (Math.imul(digest, 31) + word) | 0;
    }
    results.push([opt.threads, digest]);
  }
  return { workers, results };
}

/** What a page must come to. */
const right = await compare(Adam, startWorkers);
const shared = { answer: right, complaints: [] };
const [[, digest]] = right.results;
const alone = { answer: { workers: 0, results: [1, 2, 3, 4].map(() => [1, digest]) }, complaints: [] };

const isolated = { "Cross-Origin-Opener-Policy": "same-origin", "Cross-Origin-Embedder-Policy": "require-corp" };
const policy = "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; img-src data:";
const project = inject("project");
const site = join(project, "threads");
const dist = "/node_modules/gradstep/dist";

beforeAll(async () => {
  mkdirSync(site);
  const page = (name: string) =>
    `<!doctype html><link rel="icon" href="data:,"><script type="module" src="./${name}.js"></script>`;
  const program = (index: string, threads: string, more = "") => `
    import { Adam } from "${index}";
    import { startWorkers, useWorker } from "${threads}";
    ${more}
    export const answer = await (${compare})(Adam, startWorkers).catch(String);
  `;
  const files = {
    "page.js": `${program(`${dist}/index.js`, `${dist}/threads.js`)} globalThis.answer = answer;`,
    "inside.js": `${program(`${dist}/index.js`, `${dist}/threads.js`)} postMessage(answer);`,
    "worker.js": `const worker = new Worker("./inside.js", { type: "module" });
      worker.onmessage = ({ data }) => { globalThis.answer = data; };`,
    "file.js": `${program(`${dist}/index.js`, `${dist}/threads.js`, `useWorker("${dist}/threads/worker.js");`)}
      globalThis.answer = answer;`,
    "bundled.js": `import url from "gradstep/threads/worker.js?url";
      ${program("gradstep", "gradstep/threads", "useWorker(url);")} globalThis.answer = answer;`,
  };
  for (const [name, text] of Object.entries(files)) writeFileSync(join(site, name), text);
  for (const name of ["page", "worker", "file", "bundled"]) writeFileSync(join(site, `${name}.html`), page(name));
  await build({
    root: site,
    configFile: false,
    logLevel: "error",
    build: { target: "esnext", assetsInlineLimit: 0, rollupOptions: { input: join(site, "bundled.html") } },
  });
});

test("Node comes to the same with one to four threads", () => {
  expect(right).toEqual({ workers: 3, results: [1, 2, 3, 4].map((threads) => [threads, digest]) });
});

describe.each(["chromium", "firefox", "webkit"] as const)("%s", (name) => {
  let browser: Browser;

  beforeAll(async () => {
    browser = await browsers[name]();
  });

  afterAll(() => browser?.close());

  async function visit(folder: string, path: string, headers: object): Promise<unknown> {
    const { url, close } = await serve(folder, headers);
    try {
      return await browser.visit(url + path);
    } finally {
      close();
    }
  }

  // WebKitGTK has no shared memory, though a page says it is isolated
  const most = name === "webkit" ? alone : shared;

  test("an isolated page", async () => {
    expect(await visit(project, "threads/page.html", isolated)).toEqual(most);
  });

  test("a worker of an isolated page", async () => {
    // which has one worker of its own in Firefox
    const two = { workers: 1, results: [1, 2, 2, 2].map((threads) => [threads, digest]) };
    const expected = name === "firefox" ? { answer: two, complaints: [] } : most;
    expect(await visit(project, "threads/worker.html", isolated)).toEqual(expected);
  });

  test("an isolated page that may run workers from files alone, and is told of the file", async () => {
    const headers = { ...isolated, "Content-Security-Policy": policy };
    expect(await visit(project, "threads/file.html", headers)).toEqual(most);
  });

  test("Vite's build with the file", async () => {
    expect(await visit(join(site, "dist"), "bundled.html", isolated)).toEqual(most);
  });

  test("a page that is not isolated runs on one thread", async () => {
    expect(await visit(project, "threads/page.html", {})).toEqual(alone);
  });
});
