import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { rows } from "../src/generated/kernels.js";
import { unpack } from "../src/unpack.js";

test.each(["f32", "f64", "f32-decay", "f64-decay", "f32-fused", "f64-fused"] as const)(
  "%s unpacks to the bytes that were compiled",
  (kind) => {
    expect(Buffer.from(unpack(kind)).equals(readFileSync(`dist/kernels/${kind}.wasm`))).toBe(true);
  },
);

test("the same functions stand side by side", () => {
  expect(rows.length).toBeGreaterThan(100);
  expect(new Set(rows.map((row) => row.length))).toEqual(new Set([2, 4, 6]));
});
