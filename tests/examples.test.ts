import { describe, expect, it } from "vitest";
import { sameBits } from "../examples/bits.js";
import { DataLoader } from "../examples/loader.js";
import { type Digits, parseIdx, readDigits } from "../examples/mnist/idx.js";
import { backpropagate, initialize, inputs, type Layers, shapes } from "../examples/mnist/mlp.js";
import { trainMnist } from "../examples/mnist/train.js";
import { moduleComplaints, moduleRemark } from "../examples/module/results.js";
import { compileModule, trainModule } from "../examples/module/train.js";
import { makeOrbit, noise, orbit, samples } from "../examples/orbit/data.js";
import { lossAndGradient } from "../examples/orbit/model.js";
import { complaints } from "../examples/orbit/results.js";
import { carelessRun, constantRuns, decayedRuns } from "../examples/orbit/runs.js";
import { lossCurve, study } from "../examples/orbit/study.js";
import { standardErrors, tolerances } from "../examples/orbit/tolerance.js";
import { start, train } from "../examples/orbit/train.js";
import { gaussian, seededRandom } from "../examples/random.js";

const every = Uint32Array.from({ length: samples }, (_, index) => index);

const test = readDigits("t10k");
const digits = (from: number, to: number): Digits => ({
  pixels: test.pixels.subarray(from * inputs, to * inputs),
  labels: test.labels.subarray(from, to),
  length: to - from,
});

describe("data", () => {
  it("lies around the ellipse with the noise asked for, and is the same for the same seed", () => {
    const { x, y } = makeOrbit(1);
    expect(makeOrbit(1)).toEqual({ x, y, length: samples });
    expect(makeOrbit(2).y).not.toEqual(y);
    const errors = y.map(
      (value, i) => value - orbit.B * Math.sqrt(Math.max(0, 1 - ((x[i] + orbit.centre) / orbit.A) ** 2)),
    );
    const deviation = Math.sqrt(errors.reduce((sum, error) => sum + error * error, 0) / samples);
    expect(Math.abs(deviation / noise - 1)).toBeLessThan(4 / Math.sqrt(2 * samples));
  });

  it("has 40 valid samples at the start", () => {
    expect(lossAndGradient(makeOrbit(1), every, start).valid).toBe(40);
  });

  it("draws normal numbers", () => {
    const random = seededRandom(5);
    const drawn = Float64Array.from({ length: 20000 }, () => gaussian(random));
    const moment = (power: number) => drawn.reduce((sum, value) => sum + value ** power, 0) / drawn.length;
    expect(Math.abs(moment(1))).toBeLessThan(0.03);
    expect(Math.abs(moment(2) - 1)).toBeLessThan(0.04);
    expect(Math.abs(moment(4) - 3)).toBeLessThan(0.3);
  });
});

describe("data loader", () => {
  const dataset = { length: 97 };

  it("deals each sample once per epoch, for every batch size", () => {
    for (let batchSize = 1; batchSize <= dataset.length; batchSize++) {
      const loader = new DataLoader(dataset, batchSize, 3);
      for (let epoch = 0; epoch < 2; epoch++) {
        const batches = [...loader].map((batch) => [...batch]);
        expect(batches.slice(0, -1).every((batch) => batch.length === batchSize)).toBe(true);
        expect(batches.flat().sort((a, b) => a - b)).toEqual([...Array(dataset.length).keys()]);
      }
    }
  });

  it("shuffles by the seed, another way each epoch", () => {
    const deal = (loader: DataLoader) => [...loader].flatMap((batch) => [...batch]);
    const loader = new DataLoader(dataset, 10, 7);
    const epochs = [deal(loader), deal(loader)];
    const again = new DataLoader(dataset, 10, 7);
    expect([deal(again), deal(again)]).toEqual(epochs);
    expect(epochs[1]).not.toEqual(epochs[0]);
    expect(deal(new DataLoader(dataset, 10, 8))).not.toEqual(epochs[0]);
  });

  it.each([0, 98, 1.5, Number.NaN])("refuses a batch size of %s", (batchSize) => {
    expect(() => new DataLoader(dataset, batchSize, 1)).toThrow(RangeError);
  });
});

describe("model", () => {
  const dataset = makeOrbit(1);

  it.each([
    [0.1, 1.8],
    [0.5, 1.5],
    [-0.7, 1.1],
    [1.25, 1.25],
    [2, 0.8],
  ])("has the gradient of its loss at (%s, %s)", (A, B) => {
    const h = 1e-6;
    const at = (a: number, b: number) => lossAndGradient(dataset, every, [a, b]);
    const [left, right, below, above] = [at(A - h, B), at(A + h, B), at(A, B - h), at(A, B + h)];
    const { gradient, valid } = at(A, B);
    // a sample that comes or goes in between would make it jump
    expect([left.valid, right.valid]).toEqual([valid, valid]);
    expect(Math.abs(gradient[0] / ((right.loss - left.loss) / (2 * h)) - 1)).toBeLessThan(1e-5);
    expect(Math.abs(gradient[1] / ((above.loss - below.loss) / (2 * h)) - 1)).toBeLessThan(1e-5);
  });

  it("counts only samples inside of its ellipse", () => {
    const outside = every.filter((index) => Math.abs(dataset.x[index] + orbit.centre) > 0.5);
    const inside = every.filter((index) => Math.abs(dataset.x[index] + orbit.centre) <= 0.5);
    expect(lossAndGradient(dataset, outside, [0.5, 1.5]).valid).toBe(0);
    expect(lossAndGradient(dataset, inside, [0.5, 1.5])).toEqual(lossAndGradient(dataset, every, [0.5, 1.5]));
  });
});

describe("training", () => {
  const [fullBatch, batchOne] = constantRuns;

  it("takes no step for a batch without a valid sample", () => {
    const { steps, skipped, path } = train(batchOne, makeOrbit(1), 1, "wasm");
    expect(skipped).toBeGreaterThan(samples / 2);
    expect(steps + skipped).toBe(30 * samples);
    expect(path.A).toHaveLength(steps + 1);
  });

  it("reports that no sample is left, and has not moved", () => {
    const { x, y } = makeOrbit(1);
    const outside = { x: x.slice(0, 100), y: y.slice(0, 100), length: 100 };
    const run = { ...fullBatch, phases: [{ batchSize: 100, epochs: 3, lr: 0.05 }] };
    const { steps, weights, failure } = train(run, outside, 1, "js");
    expect(failure).toBe("exploded: at A = 0.100 no sample is valid");
    expect([steps, ...weights]).toEqual([0, ...start]);
  });

  it.each(["wasm", "js"] as const)("catches an explosion on %s", (backend) => {
    const bold = { ...fullBatch, phases: [{ batchSize: samples, epochs: 300, lr: 1 }] };
    expect(train(bold, makeOrbit(1), 1, backend).failure).toMatch(/^exploded: step 1 moved 7\.\d+ AU/);
    const dataset = makeOrbit(1);
    dataset.y[256] = Number.NaN;
    expect(train(fullBatch, dataset, 1, backend).failure).toMatch(/^exploded: step 1 moved NaN AU/);
  });

  it("leaves an exploded seed out of what it counts, and complains", () => {
    const summary = study(carelessRun);
    expect(summary.failures).toHaveLength(1);
    expect(summary.arrived).toBe(7);
    expect(complaints(summary)).toEqual([
      expect.stringMatching(/^mini-batch 32, learning rate 0.02: seed \d exploded/),
    ]);
  });

  it("complains of runs that end too early", () => {
    const early = { ...fullBatch, phases: [{ batchSize: samples, epochs: 5, lr: 0.05 }] };
    expect(complaints(study(early))).toEqual(["full batch, learning rate 0.05: 8 of 8 seeds ended out of tolerance"]);
  });

  it("has a loss for the start and each epoch, that comes down to the variance of the noise", () => {
    const dataset = makeOrbit(1);
    const curve = lossCurve(dataset, train(batchOne, dataset, 1, "wasm").path);
    expect(curve.map(({ epoch }) => epoch)).toEqual([...Array(31).keys()]);
    expect(curve[0].loss).toBe(lossAndGradient(dataset, every, start).loss);
    expect(Math.abs(curve[30].loss / noise ** 2 - 1)).toBeLessThan(4 * Math.sqrt(2 / samples));
  });
});

describe("tolerance", () => {
  it("is about what least squares leaves over many seeds", () => {
    const errors = Array.from({ length: 40 }, (_, index) => {
      const { weights } = train(constantRuns[0], makeOrbit(index + 1), 1, "wasm");
      return [weights[0] - orbit.A, weights[1] - orbit.B];
    });
    for (const [axis, expected] of standardErrors().entries()) {
      const found = Math.sqrt(errors.reduce((sum, error) => sum + error[axis] ** 2, 0) / errors.length);
      expect(found / expected).toBeGreaterThan(0.6);
      expect(found / expected).toBeLessThan(1.4);
    }
  });

  it("is wider for small batches, and not for the full one", () => {
    expect(tolerances(0.05, samples)).toEqual(standardErrors().map((error) => 4 * error));
    expect(tolerances(0.001, 1)[0]).toBeGreaterThan(tolerances(0.001, 32)[0]);
  });
});

describe.each([
  ["constant", constantRuns],
  ["falling", decayedRuns],
])("with a %s learning rate, on eight seeds and both backends", (_, runs) => {
  it.each(runs)("$name arrives", (run) => {
    expect(complaints(study(run))).toEqual([]);
  });
});

describe("same bits", () => {
  it("tells -0 from 0 and the last bit, and no NaN from another", () => {
    const numbers = Float64Array.of(1, Number.NaN, 0);
    expect(sameBits(numbers, Float64Array.of(1, -Number.NaN, 0))).toBe(true);
    expect(sameBits(numbers, Float64Array.of(1, Number.NaN, -0))).toBe(false);
    expect(sameBits(numbers, Float64Array.of(1 + Number.EPSILON, Number.NaN, 0))).toBe(false);
    expect(sameBits(numbers, Float64Array.of(1, Number.NaN))).toBe(false);
    expect(sameBits(numbers, Float32Array.of(1, Number.NaN, 0))).toBe(false);
  });
});

describe("MNIST", () => {
  it("reads IDX files", () => {
    const file = Uint8Array.of(0, 0, 8, 2, 0, 0, 0, 2, 0, 0, 0, 3, 1, 2, 3, 4, 5, 6);
    expect(parseIdx(file)).toEqual({ shape: [2, 3], data: Uint8Array.of(1, 2, 3, 4, 5, 6) });
    expect([...test.labels.subarray(0, 5)]).toEqual([7, 2, 1, 0, 4]);
  });

  it("refuses files that are not IDX", () => {
    expect(() => parseIdx(Uint8Array.of(0, 0, 9, 1, 0, 0, 0, 0))).toThrow(/magic number must be .* got 0x00000901/);
    expect(() => parseIdx(Uint8Array.of(1, 0, 8, 1, 0, 0, 0, 0))).toThrow(/magic number/);
    expect(() => parseIdx(Uint8Array.of(0, 0))).toThrow(/magic number/);
    expect(() => parseIdx(Uint8Array.of(0, 0, 8, 2, 0, 0, 0, 1))).toThrow(/ends in its heading/);
    expect(() => parseIdx(Uint8Array.of(0, 0, 8, 1, 0, 0, 0, 2, 1))).toThrow("shape [2] needs 10 bytes, got 9");
  });

  it("backpropagates the gradient of its loss", () => {
    const [layers, gradients, unused] = [emptyLayers(), emptyLayers(), emptyLayers()];
    const batch = Uint32Array.of(0, 1, 2);
    initialize(layers, seededRandom(1));
    backpropagate(layers, gradients, test, batch);
    for (const name of ["w1", "b1", "w2", "b2"] as const) {
      // the steepest one: finite differences in float32 are coarse
      const index = gradients[name].reduce((best, g, i, all) => (Math.abs(g) > Math.abs(all[best]) ? i : best), 0);
      const value = layers[name][index];
      const [before, after] = [-0.01, 0.01].map((shift) => {
        layers[name][index] = value + shift;
        return backpropagate(layers, unused, test, batch);
      });
      layers[name][index] = value;
      expect(Math.abs((after - before) / 0.02 / gradients[name][index] - 1), name).toBeLessThan(0.01);
    }
  });

  it("learns, and ends on the same bits on both backends", () => {
    const options = { epochs: 3, batchSize: 50, lr: 0.004, seed: 1 };
    const [wasm, js] = (["wasm", "js"] as const).map((backend) =>
      trainMnist(digits(0, 1000), digits(1000, 2000), options, backend),
    );
    expect(sameBits(wasm.weights, js.weights)).toBe(true);
    expect(wasm.weights).toHaveLength(784 * 128 + 128 + 128 * 10 + 10);
    expect(wasm.accuracies[2]).toBeGreaterThan(0.8);
  });
});

describe("a training loop in an AssemblyScript module", () => {
  it("learns in its own memory, which grows, and ends on the same bits on both backends", async () => {
    const compiled = await compileModule();
    const on = (backend: "wasm" | "js") =>
      trainModule(compiled, digits(0, 1000), digits(1000, 2000), { epochs: 3, batchSize: 50, lr: 0.01 }, backend);
    const pair = { wasm: on("wasm"), js: on("js") };
    const { losses, accuracy, grown } = pair.wasm;
    expect(losses[2]).toBeLessThan(losses[0] / 2);
    expect(accuracy).toBeGreaterThan(0.8);
    expect(grown).toBeGreaterThan(0);
    expect(moduleRemark(pair)).toMatch(/same bits: yes/);
    expect(moduleComplaints(pair)).toEqual([expect.stringContaining("expected at least 90.00 %")]);
    const other = { ...pair.js, weights: pair.js.weights.map((w) => w + 1) };
    expect(moduleComplaints({ ...pair, js: other })).toHaveLength(2);
  });
});

function emptyLayers(): Layers {
  const { w1, b1, w2, b2 } = shapes;
  const [weights1, weights2] = [w1[0] * w1[1], w2[0] * w2[1]];
  const [l1, l2, l3, l4] = [weights1, b1, weights2, b2].map((length) => new Float32Array(length));
  return { w1: l1, b1: l2, w2: l3, b2: l4 };
}
