import { expect, test } from "vitest";
import { AdamW } from "../../src/index.js";

test("400 million parameters, in several memories, step as one pattern of them does", () => {
  const [tensors, length, period] = [8, 50_000_000, 1_000_000];
  const names = Array.from({ length: tensors }, (_, i) => `w${i}`);
  const few = new AdamW(Object.fromEntries(names.map((name) => [name, period])));
  const many = new AdamW(Object.fromEntries(names.map((name) => [name, length])));
  expect(many.bytes).toBeGreaterThan(6.4e9);
  for (const [k, name] of names.entries()) {
    for (let i = 0; i < period; i++) {
      few.params[name][i] = Math.fround(((i * 7 + k) % 1021) / 1021 - 0.5);
      few.grads[name][i] = Math.fround(((i * 3 + k) % 911) / 911 - 0.5);
    }
    for (let from = 0; from < length; from += period) {
      many.params[name].set(few.params[name], from);
      many.grads[name].set(few.grads[name], from);
    }
  }
  for (let step = 0; step < 2; step++) {
    few.step();
    many.step();
  }
  const bytes = (x: ArrayBufferView, from: number) => Buffer.from(x.buffer, x.byteOffset + 4 * from, 4 * period);
  const differing = names.flatMap((name) => {
    const expected = bytes(few.params[name], 0);
    const starts = Array.from({ length: length / period }, (_, i) => i * period);
    return starts.filter((from) => !bytes(many.params[name], from).equals(expected)).map((from) => `${name}[${from}…]`);
  });
  expect(differing).toEqual([]);
  many.params.w7[length - 1] += 1;
  expect(bytes(many.params.w7, length - period).equals(bytes(few.params.w7, 0))).toBe(false);
  many.dispose();
}, 300_000);
