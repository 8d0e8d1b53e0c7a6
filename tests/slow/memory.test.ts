import v8 from "node:v8";
import vm from "node:vm";
import { describe, expect, test } from "vitest";
import { Adam, SGD } from "../../src/index.js";
import { backends, expectError, make, watchMemories } from "../helpers.js";

const timeout = 600_000;
const GiB = 2 ** 30;

v8.setFlagsFromString("--expose-gc");
const collect: () => void = vm.runInNewContext("gc");

describe.each(backends)("on %s", (backend) => {
  test("a group of more than 4 GiB spreads over several memories and is stepped to its ends", { timeout }, () => {
    const length = 115_000_001;
    const opt = make(SGD, [length, length, 5, length, length, length], { lr: 0.5, backend });
    expect(opt.bytes).toBeGreaterThan(4.2 * GiB);
    const buffers = new Set(Object.values(opt.params).map((p) => p.buffer));
    expect(buffers.size).toBeGreaterThan(1);
    for (const [name, p] of Object.entries(opt.params)) {
      const g = opt.grads[name];
      for (const at of places(p.length)) {
        p[at] = 3;
        g[at] = Number(name) + 1;
      }
    }
    opt.step().step();
    for (const [name, p] of Object.entries(opt.params)) {
      const right = 3 - (Number(name) + 1);
      expect(places(p.length).map((at) => p[at])).toEqual(places(p.length).map(() => right));
      expect([p[1], p[p.length - 2]]).toEqual([0, 0]);
    }
    opt.dispose();
  });

  test("a tensor that is too large for one memory is refused, before any memory is made", () => {
    const memories = watchMemories(backend);
    for (const length of [2 ** 29, 2 ** 30, 2 ** 32, 2 ** 40]) {
      const message = expectError(() => new SGD([3, length], { backend }), RangeError, 'SGD: parameter "1"');
      expect(message).toContain(String(length));
    }
    memories.stop();
    expect(memories.made).toBe(0);
  });

  test("20,000 live at once all step, and views stay valid", { timeout }, () => {
    const live = Array.from({ length: 20_000 }, () => make(Adam, { w: 2, b: 1 }, { lr: 0.5, backend }));
    const views = live.map(({ params }) => params.w);
    for (const { grads } of live) grads.w.fill(1);
    for (const opt of live) opt.step();
    const right = live.filter(({ params }, i) => params.w === views[i] && Math.abs(params.w[1] + 0.5) < 1e-6);
    expect(right).toHaveLength(live.length);
  });

  test("100,000 of all sizes made and disposed in one go: no growth of memory", { timeout }, () => {
    const cycle = (times: number) => {
      for (let i = 0; i < times; i++) {
        new Adam([{ params: { w: (i * 7) % 300 } }, { params: { b: new Float32Array(1) } }], { backend })
          .step()
          .dispose();
      }
    };
    cycle(10_000);
    const memories = watchMemories(backend);
    collect();
    const before = process.memoryUsage();
    cycle(100_000);
    collect();
    const after = process.memoryUsage();
    memories.stop();
    expect(memories.made).toBeLessThan(2);
    expect(after.heapUsed - before.heapUsed).toBeLessThan(1e6);
    expect(after.external - before.external).toBeLessThan(1e5);
  });
});

/** The ends of an array, and its middle. */
function places(length: number): number[] {
  return [0, Math.floor(length / 2), length - 1];
}
