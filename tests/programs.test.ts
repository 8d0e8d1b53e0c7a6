import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import * as gradstep from "../src/index.js";
import * as safetensors from "../src/safetensors/index.js";
import { fileOf } from "./checkpoints.js";

// The programs of the README and of docs/checkpoints.md: those of other pages print something, and are in recipes.test.ts.

const pages = ["README.md", "docs/checkpoints.md"];
const programs = pages.flatMap((page) => {
  const blocks = [...readFileSync(page, "utf8").matchAll(/^```js\n(.*?)^```$/gms)];
  return blocks.map(([, code], i) => [page, i + 1, code.replace(/^import .*$/gm, "")] as const);
});

const { AdamW } = gradstep;
const AsyncFunction = (async () => {}).constructor as new (
  ...parts: string[]
) => (...values: unknown[]) => Promise<void>;

test.each(programs)("%s: program %i runs", async (_page, _i, code) => {
  const scope = Object.entries({ ...gradstep, ...safetensors, ...files(), ...browser(), ...caller() });
  // what a program declares is its own
  const given = scope.filter(([name]) => !new RegExp(`\\b(const|let) (\\{[^}]*\\b)?${name}\\b`).test(code));
  const run = new AsyncFunction(...given.map(([name]) => name), code);
  await run(...given.map(([, value]) => value));
});

/** What programs take from the caller. */
function caller() {
  const opt = new AdamW({ w: [784, 128], b: 128 });
  const length = 4 * opt.params.w.length;
  const bytes = fileOf({ "layer.0.weight": { dtype: "F32", shape: [784, 128], data_offsets: [0, length] } }, length);
  return { opt, bytes, initialWeights: opt.params.w.slice(), w: new Float32Array(1000), dw: new Float32Array(1000) };
}

/** Files, as Node has them. */
function files() {
  const stored = new Map<string, Uint8Array>();
  return {
    writeFileSync: (name: string, bytes: Uint8Array) => stored.set(name, bytes),
    renameSync(from: string, to: string) {
      expect(stored.has(from)).toBe(true);
      stored.set(to, stored.get(from) as Uint8Array);
      stored.delete(from);
    },
    readFileSync: (name: string) => stored.get(name),
  };
}

/** A browser's files, links and server. */
function browser() {
  const pieces: Uint8Array<ArrayBuffer>[] = [];
  const file = {
    createWritable: async () => new WritableStream({ write: (piece) => void pieces.push(piece) }),
    getFile: async () => new Blob(pieces),
  };
  const navigator = { storage: { getDirectory: async () => ({ getFileHandle: async () => file }) } };
  let sent: BodyInit | null | undefined;
  const fetch = async (_url: string, init: RequestInit = {}) => {
    sent = init.body ?? sent;
    return new Response(sent);
  };
  return { navigator, fetch, link: {} };
}
