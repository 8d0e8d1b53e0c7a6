import { describe, expect, test } from "vitest";
import { Adam, Adam8bit, AdamW, AdamW8bit, Lion8bit } from "../dist/index.js";
import { readGolden, unpack } from "./golden.js";
import {
  backends,
  bitsEqual,
  expectError,
  expectSame,
  expectUnchanged,
  make,
  numbers,
  snapshot,
  start,
  train,
} from "./helpers.js";
import { type AnyClass, choicesOf, classes, dtypes, type Reals, random } from "./tables.js";

// State in bytes and in bfloat16: against plain implementations that take it apart and put it together element by element.

const [signed, unsigned] = readGolden<{ maps: string[] }>("refs/adam8bit").maps.map((map) => unpack(map, "float32"));

/** How many means between neighbours in the map are less than x. */
function codeOf(x: number, map: Reals): number {
  let code = 0;
  while (code < 255 && Math.fround((map[code] + map[code + 1]) / 2) < x) code++;
  return code;
}

/** State in blocks of 256, in float64. */
class Blocks {
  readonly codes: number[];
  readonly absmax: number[];
  readonly #map: Reals;

  constructor(length: number, map: Reals) {
    this.codes = Array<number>(length).fill(0);
    this.absmax = Array<number>(Math.ceil(length / 256)).fill(0);
    this.#map = map;
  }

  read(): number[] {
    return this.codes.map((code, i) => this.#map[code] * this.absmax[Math.floor(i / 256)]);
  }

  write(x: readonly number[]): void {
    for (let block = 0; block < this.absmax.length; block++) {
      const some = x.slice(256 * block, 256 * (block + 1));
      const largest = Math.max(...some.map(Math.abs));
      const least = Math.max(largest, Math.fround(1e-38));
      this.absmax[block] = some.length === 256 ? largest : least;
      for (const [i, xi] of some.entries()) {
        const share = some.length === 256 ? xi * (1 / least) : xi / least;
        this.codes[256 * block + i] = codeOf(Math.min(Math.max(share, -1), 1), this.#map);
      }
    }
  }
}

const length = 5000;
const steps = 6;

function gradient(t: number): Float64Array {
  const g = Float64Array.from(numbers("g", length, t), (x, i) => x * 10 ** -Math.floor(i / 700));
  g.fill(0, 256, 512);
  return g;
}

interface Options {
  lr: number;
  beta1: number;
  beta2: number;
  eps: number;
  weightDecay: number;
}

/** bitsandbytes' rule, with its decay of the weights. */
function plainAdam(p: Float64Array, { lr, beta1, beta2, eps, weightDecay }: Options): Record<string, number[]> {
  const [first, second] = [new Blocks(length, signed), new Blocks(length, unsigned)];
  for (let t = 1; t <= steps; t++) {
    const g = gradient(t);
    const m = first.read().map((mi, i) => beta1 * mi + (1 - beta1) * g[i]);
    const v = second.read().map((vi, i) => beta2 * vi + (1 - beta2) * g[i] * g[i]);
    const [c1, c2] = [1 - beta1 ** t, 1 - beta2 ** t];
    for (let i = 0; i < length; i++) {
      p[i] = p[i] * (1 - lr * weightDecay) - ((lr / c1) * m[i]) / (Math.sqrt(v[i]) / Math.sqrt(c2) + eps);
    }
    first.write(m);
    second.write(v);
  }
  return { codes1: first.codes, codes2: second.codes, absmax1: first.absmax, absmax2: second.absmax };
}

function plainLion(p: Float64Array, { lr, beta1, beta2, weightDecay }: Options): Record<string, number[]> {
  const momentum = new Blocks(length, signed);
  for (let t = 1; t <= steps; t++) {
    const g = gradient(t);
    const m = momentum.read();
    for (let i = 0; i < length; i++) {
      p[i] = p[i] * (1 - lr * weightDecay) - lr * Math.sign(beta1 * m[i] + (1 - beta1) * g[i]);
    }
    momentum.write(m.map((mi, i) => beta2 * mi + (1 - beta2) * g[i]));
  }
  return { codes: momentum.codes, absmax: momentum.absmax };
}

const bytewise = [
  ["Adam8bit", Adam8bit, plainAdam],
  ["AdamW8bit", AdamW8bit, plainAdam],
  ["Lion8bit", Lion8bit, plainLion],
] as const;
const withBytes = classes.filter(({ defaults }) => "min8bitSize" in defaults).map((made) => [made.rule.name, made]) as [
  string,
  AnyClass,
][];

test("every optimizer with state in bytes is here", () => {
  expect(withBytes.map(([name]) => name).sort()).toEqual(bytewise.map(([name]) => name).sort());
});

describe.each(bytewise)("%s", (name, made, plain) => {
  test.each(backends)("is the plain rule, code by code (%s)", (backend) => {
    for (const weightDecay of name === "Adam8bit" ? [0] : [0, 0.1]) {
      const opt = start(make(made, { w: length }, { dtype: "f64", lr: 0.01, weightDecay, backend }));
      const p = Float64Array.from(opt.params.w);
      const state = plain(p, { eps: 1e-8, ...made.defaults, lr: 0.01, weightDecay });
      for (let t = 1; t <= steps; t++) opt.step({ w: gradient(t) });
      for (const [slot, expected] of Object.entries(state)) expect([...opt.state.w[slot]], slot).toEqual(expected);
      for (const [i, x] of p.entries()) expect(Math.abs(opt.params.w[i] - x)).toBeLessThan(1e-12);
    }
  });

  test.each(dtypes)("codes are right beside every mean and every bound of the search (%s)", (dtype) => {
    // with betas of 0 the state is the gradient
    const zero = { beta1: 0, beta2: 0, min8bitSize: 0, dtype };
    const [map] = name === "Lion8bit" ? [signed] : [signed, unsigned];
    const word = new DataView(new ArrayBuffer(8));
    const beside = (x: number): number[] => {
      if (dtype === "f32") {
        word.setFloat32(0, x);
        const bits = word.getInt32(0);
        return [-1, 0, 1].map((by) => {
          word.setInt32(0, bits + by);
          return word.getFloat32(0);
        });
      }
      word.setFloat64(0, x);
      const bits = word.getBigInt64(0);
      return [-1n, 0n, 1n].map((by) => {
        word.setBigInt64(0, bits + by);
        return word.getFloat64(0);
      });
    };
    const means = Array.from(map.subarray(1), (next, i) => Math.fround((map[i] + next) / 2));
    const bounds = Array.from({ length: 0x3f81 - 0x3380 }, (_, i) => {
      word.setUint32(0, (0x3380 + i) << 16);
      return word.getFloat32(0);
    });
    const shares = [...means, ...bounds, ...bounds.map((x) => -x)].flatMap(beside).filter((x) => Math.abs(x) <= 1);
    // the first of a block is its largest
    const g = shares.flatMap((x, i) => (i % 255 === 0 ? [1, x] : [x]));
    while (g.length % 256 > 0) g.push(0);
    for (const backend of backends) {
      const opt = make(made, { w: g.length }, { ...zero, backend });
      opt.grads.w.set(g);
      opt.step();
      const codes = opt.state.w.codes ?? opt.state.w.codes1;
      expect(g.filter((x, i) => codes[i] !== codeOf(x, map))).toEqual([]);
    }
  });

  test("a number that is not finite leaves its element where it is, and the others as without it", () => {
    for (const backend of backends) {
      for (const [dtype, huge] of [
        ["f32", 1e38],
        ["f64", 1e300],
      ] as const) {
        // the squares of huge numbers are not finite; Lion takes none
        for (const bad of [Number.NaN, Infinity, -Infinity, ...(name === "Lion8bit" ? [] : [huge])]) {
          for (const min8bitSize of [0, 4096]) {
            const options = { dtype, min8bitSize, backend };
            const [opt, good] = [0, 1].map(() => train(start(make(made, { w: 300 }, options)), 2));
            const before = opt.params.w.slice();
            for (const each of [opt, good]) {
              each.grads.w.fill(0.5);
              each.grads.w[7] = each === opt ? bad : 0;
              each.step();
            }
            expect(opt.params.w[7]).toBe(before[7]);
            expect(opt.params.w[8]).toBe(good.params.w[8]);
            const next = train(opt, 3);
            expect(next.params.w.every(Number.isFinite)).toBe(true);
          }
        }
      }
    }
  });

  test("what a caller puts into the state is taken as it is, without a look beyond the tables", () => {
    for (const dtype of dtypes) {
      const [wasm, js] = backends.map((backend) => {
        const opt = train(start(make(made, { w: 600 }, { dtype, min8bitSize: 0, backend })), 2);
        for (const [slot, x] of Object.entries(opt.state.w)) {
          if (slot.startsWith("absmax")) x.set([Number.NaN, Infinity, -1]);
        }
        return train(opt, 2);
      });
      expectSame(wasm, js);
    }
  });

  test("which tensors have their state in bytes, and what it takes", () => {
    const opt = make(made, { small: 4095, large: [64, 64] });
    expect(Object.values(opt.state.small).every((x) => x instanceof Float32Array)).toBe(true);
    const codes = Object.values(opt.state.large).filter((x) => x instanceof Uint8Array);
    expect(codes).toHaveLength(name === "Lion8bit" ? 1 : 2);
    expect(codes.every((x) => x.length === 4096)).toBe(true);
    expect(opt.state.large[name === "Lion8bit" ? "absmax" : "absmax1"]).toHaveLength(16);
    const [bytes, reals] = [0, 1e9].map((min8bitSize) => {
      return make(made, Array<number>(20).fill(10_000), { min8bitSize }).bytes;
    });
    const slots = codes.length;
    expect(reals - bytes).toBeGreaterThan(slots * 2.9 * 200_000);
    expectError(() => Object.assign(opt, { min8bitSize: 1 }), RangeError, "min8bitSize", "as constructed");
  });

  test.each(backends)("what stands behind a tensor changes nothing (%s)", (backend) => {
    for (const dtype of dtypes) {
      const [clean, dirty] = [0, 1].map(() => start(make(made, { w: 301 }, { dtype, min8bitSize: 0, backend })));
      for (let t = 1; t <= 3; t++) {
        for (const x of [dirty.params.w, dirty.grads.w]) {
          const rest = Math.ceil((301 * x.BYTES_PER_ELEMENT) / 128) * (128 / x.BYTES_PER_ELEMENT) - 301;
          const Same = x.constructor as Float32ArrayConstructor;
          new Same(x.buffer as ArrayBuffer, x.byteOffset + x.byteLength, rest).fill(1e9);
        }
        train(clean, 1);
        train(dirty, 1);
      }
      expectSame(clean, dirty);
    }
  });

  test("a state dict goes on in the other backend, and codes are taken as they are in the other dtype", () => {
    const params = { w: 300, b: 2 };
    const from = train(start(make(made, params, { min8bitSize: 100 })), 3);
    const to = make(made, params, { min8bitSize: 100, backend: "js" });
    to.loadStateDict(structuredClone(from.stateDict()));
    expectSame(train(to, 2).zeroGrad(), train(from, 2).zeroGrad());
    const wide = make(made, params, { min8bitSize: 100, dtype: "f64" });
    expect(wide.loadStateDict(from.stateDict(), { convert: true })).toEqual({ missing: [], unexpected: [] });
    for (const [slot, x] of Object.entries(wide.state.w)) {
      expect(x.BYTES_PER_ELEMENT).toBe(slot.startsWith("codes") ? 1 : 8);
      expect([...x]).toEqual([...from.state.w[slot]]);
    }
    const before = snapshot(to);
    const other = train(make(made, params, { min8bitSize: 1 }), 1).stateDict();
    expectError(() => to.loadStateDict(other), RangeError, '"b.m"', '"b.codes');
    const slot = name === "Lion8bit" ? "codes" : "codes1";
    const wrong = structuredClone(from.stateDict());
    Object.assign(wrong.state.w, { [slot]: Float32Array.from(wrong.state.w[slot]) });
    expectError(() => to.loadStateDict(wrong), RangeError, `"w.${slot}" is Float32Array, expected u8`);
    expectUnchanged(to, before);
  });
});

/** x rounded to 8 digits, as bfloat16 has them. */
function rounded(x: number): number {
  const y = Math.fround(x);
  if (!Number.isFinite(y) || y === 0) return y;
  const unit = 2 ** (Math.max(Math.floor(Math.log2(Math.abs(y))), -126) - 7);
  const quotient = y / unit;
  const below = Math.floor(quotient);
  const rest = quotient - below;
  const up = rest > 0.5 || (rest === 0.5 && below % 2 !== 0);
  return Math.fround((up ? below + 1 : below) * unit);
}

/** The bfloat16 numbers in an array. */
function halves(x: ArrayLike<number>): number[] {
  return [...new Float32Array(Uint32Array.from(x, (half) => half << 16).buffer)];
}

describe.each([
  ["Adam", Adam],
  ["AdamW", AdamW],
] as const)("%s with its state in bfloat16", (_, made) => {
  const bf16 = { stateDtype: "bf16" };

  test.each(backends)("is the plain rule, rounded after each step (%s)", (backend) => {
    const n = 1000;
    const options = { ...bf16, dtype: "f64", weightDecay: 0, lr: 0.01, backend };
    const opt = start(make(made, { w: n }, options));
    const p = Float64Array.from(opt.params.w);
    const [m, v] = [new Float64Array(n), new Float64Array(n)];
    for (let t = 1; t <= 20; t++) {
      const g = Float64Array.from(numbers("g", n, t), (x, i) => x * 10 ** ((i % 40) - 20));
      opt.step({ w: g });
      for (let i = 0; i < n; i++) {
        const mi = m[i] + (1 - 0.9) * (g[i] - m[i]);
        const vi = 0.999 * v[i] + (1 - 0.999) * g[i] * g[i];
        p[i] -= ((0.01 / (1 - 0.9 ** t)) * mi) / (Math.sqrt(vi / (1 - 0.999 ** t)) + 1e-8);
        m[i] = rounded(mi);
        v[i] = rounded(vi);
      }
    }
    expect(opt.state.w.m).toBeInstanceOf(Uint16Array);
    expect(halves(opt.state.w.m)).toEqual([...m]);
    expect(halves(opt.state.w.v)).toEqual([...v]);
    for (const [i, x] of p.entries()) expect(Math.abs(opt.params.w[i] - x)).toBeLessThan(1e-12);
  });

  test("rounds to nearest, of two to the even one, and a NaN stays one", () => {
    // with beta1 0 the first moment is the gradient
    const r = random(5);
    const word = new DataView(new ArrayBuffer(4));
    const some = Array.from({ length: 20_000 }, () => {
      word.setUint32(0, r() * 2 ** 32);
      return word.getFloat32(0);
    });
    const ties = Array.from({ length: 2 ** 16 }, (_, half) => {
      word.setUint32(0, (half << 16) | 0x8000);
      return word.getFloat32(0);
    });
    const g = [...some, ...ties, 0, -0, Infinity, -Infinity, Number.NaN, 2 ** -149, 3.4028234663852886e38];
    for (const backend of backends) {
      for (const dtype of dtypes) {
        const opt = make(made, { w: g.length }, { ...bf16, beta1: 0, dtype, backend });
        opt.grads.w.set(g);
        opt.step();
        const m = halves(opt.state.w.m);
        // 0 + (-0 - 0) is 0
        expect(g.filter((x, i) => !Object.is(m[i] + 0, rounded(x) + 0))).toEqual([]);
        expect(opt.state.w.m[g.length - 3]).toBe(0xffff);
      }
    }
  });

  test.each(backends)("is laid out, saved and loaded as other state is (%s)", (backend) => {
    for (const dtype of dtypes) {
      const array = (n: number) => (dtype === "f32" ? new Float32Array(n) : new Float64Array(n));
      const options = { ...bf16, dtype, weightDecay: 0.1, backend };
      const lengths = { a: 5, none: 0, b: [3, 3], c: 1, d: 20_000 };
      const whole = train(start(make(made, lengths, options)), 3);
      const own = { a: array(5), none: array(0), b: { data: array(9), shape: [3, 3] }, c: array(1), d: array(20_000) };
      const groups = Object.entries(lengths).map(([name, init]) => ({ params: { [name]: init } }));
      for (const params of [own, groups]) {
        const other = train(start(make(made, params, options)), 3);
        for (const name of Object.keys(lengths)) {
          expect(bitsEqual(other.params[name], whole.params[name])).toBe(true);
          for (const slot of ["m", "v"]) {
            expect(bitsEqual(other.state[name][slot], whole.state[name][slot])).toBe(true);
          }
        }
      }
      const loaded = make(made, own, options);
      loaded.loadStateDict(structuredClone(whole.stateDict()));
      expectSame(train(loaded, 2), train(whole, 2));
      const converted = make(made, lengths, { ...options, dtype: dtype === "f32" ? "f64" : "f32" });
      converted.loadStateDict(whole.stateDict(), { convert: true });
      expect(bitsEqual(converted.state.d.v, whole.state.d.v)).toBe(true);
      const before = snapshot(whole);
      const same = make(made, lengths, { dtype, backend });
      expectError(() => whole.loadStateDict(same.stateDict()), RangeError, 'stateDtype is "same", expected "bf16"');
      expectUnchanged(whole, before);
    }
  });

  test.each(backends)("beside what is frozen, steps all of the rest and nothing else (%s)", (backend) => {
    const lengths = { a: 3, b: 6, c: 1, d: 17 };
    const names = Object.keys(lengths);
    for (const dtype of dtypes) {
      const options = { ...bf16, dtype, backend };
      const free = train(start(make(made, lengths, options)), 3);
      const still = start(make(made, lengths, options));
      for (const clears of [{}, { zeroGrad: true }]) {
        for (let mask = 0; mask < 2 ** names.length; mask++) {
          const opt = start(make(made, lengths, { ...options, ...clears }));
          train(opt.freeze(names.filter((_, k) => (mask >> k) & 1)) as typeof opt, 3);
          for (const [k, name] of names.entries()) {
            const expected = (mask >> k) & 1 ? still : free;
            expect(bitsEqual(opt.params[name], expected.params[name]), `${name} of ${mask}`).toBe(true);
            for (const slot of ["m", "v"]) {
              expect(bitsEqual(opt.state[name][slot], expected.state[name][slot]), `${name}.${slot} of ${mask}`).toBe(
                true,
              );
            }
          }
        }
      }
    }
  });

  test("takes half of what the state took, a group can have it alone, and amsgrad is refused", () => {
    const bytes = (options: object) => make(made, { w: 1_000_000 }, options).bytes;
    expect((bytes({}) - bytes(bf16)) / 1e6).toBeCloseTo(4, 2);
    expect((bytes({ dtype: "f64" }) - bytes({ ...bf16, dtype: "f64" })) / 1e6).toBeCloseTo(12, 2);
    const opt = train(start(make(made, [{ params: { a: 9 }, ...bf16 }, { params: { b: 9 } }])), 2);
    expect([opt.state.a.m.BYTES_PER_ELEMENT, opt.state.b.m.BYTES_PER_ELEMENT]).toEqual([2, 4]);
    expectError(() => make(made, { w: 1 }, { ...bf16, amsgrad: true }), RangeError, 'stateDtype "bf16"', "amsgrad");
    expect(choicesOf(made as unknown as AnyClass, "stateDtype")).toEqual(["same", "bf16"]);
  });
});
