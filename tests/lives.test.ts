import { expect, test } from "vitest";
// the build, where the classes of the tables are
import * as gradstep from "../dist/index.js";
import { load, save } from "../dist/safetensors.js";
import { calls, type Library, live, type Way } from "./lives.js";
import { full } from "./tables.js";

// The other suites know what they look for; here nobody does.

const ways: readonly Way[] = [
  { options: { backend: "wasm" } },
  { options: { backend: "js" } },
  { options: { backend: "wasm" }, memory: "caller" },
  { options: { backend: "js" }, memory: "caller" },
  { options: { backend: "wasm" }, memory: "module" },
  { options: { backend: "js" }, memory: "module" },
  { options: { backend: "auto" }, reborn: true },
];

test("whatever an optimizer lives through, it is the same on every backend, wherever its parameters are, and if it is saved and loaded", async () => {
  const library = { ...gradstep, load, save } as unknown as Library;
  const done = await live(library, ways, full ? 4000 : 40);
  for (const call of calls) expect(done.get(call), call).toBeGreaterThan(0);
}, 600_000);
