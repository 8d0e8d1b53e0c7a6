import { describe, expect, test } from "vitest";
import { Adam, SGD } from "../src/index.js";
import { loadStream, readTensors } from "../src/safetensors/index.js";
import { cut, expectRefusal, fileOf, forged, headerOf, nothing, restored, saveable, saved } from "./checkpoints.js";
import { expectError, expectUnchanged, make, snapshot, start, train } from "./helpers.js";

describe("a damaged file is refused in one sentence, and nothing changes", () => {
  const create = () => start(make(Adam, { w: [1, 2], b: 1 }));
  const file = saved(train(create(), 2));
  const { start: data } = headerOf(file);
  const to = create();
  const before = snapshot(to);
  const refuse = (bytes: Uint8Array) => {
    let message = "";
    try {
      restored(to, bytes);
    } catch (error) {
      if (error instanceof RangeError || error instanceof TypeError) message = error.message;
    }
    // a function of `expect` for each would take longer than the loads
    if (!/^(safetensors|loadStateDict): [^\n]*[^.\s]$/.test(message)) throw new Error(`got ${JSON.stringify(message)}`);
  };

  test("cut at every byte, or with one too many", () => {
    for (let length = 0; length < file.length; length++) refuse(file.slice(0, length));
    refuse(Buffer.concat([file, Buffer.alloc(1)]));
    expectUnchanged(to, before);
  });

  test("with any bit of its header or the header's length flipped, and with other bytes there", () => {
    const bytes = file.slice();
    for (let at = 0; at < data; at++) {
      const values = [0, 0xff, ...Array.from({ length: 8 }, (_, bit) => file[at] ^ (1 << bit)), ...Buffer.from(' "0}')];
      for (const value of values) {
        if (value === file[at]) continue;
        bytes[at] = value;
        refuse(bytes);
      }
      bytes[at] = file[at];
    }
    expectUnchanged(to, before);
    expect(restored(to, bytes)).toEqual(nothing);
    restored(to, saved(create()));
  });
});

const entry = (from: number, to: number, shape: unknown = [(to - from) / 4], dtype = "F32") => {
  return { dtype, shape, data_offsets: [from, to] };
};

describe("any file of the format is read", () => {
  test("with its metadata, whatever the order of its names, and with blanks in its header", () => {
    const header = {
      b: entry(8, 12),
      __metadata__: { format: "pt" },
      a: entry(0, 8, [1, 2]),
      none: entry(8, 8, [0, 3]),
    };
    for (const text of [JSON.stringify(header), `${JSON.stringify(header, null, "\t\r ")}   `]) {
      const file = fileOf(text, 12);
      file.set([0, 0, 128, 63], file.length - 4);
      const { tensors, metadata } = readTensors(file);
      expect(metadata).toEqual({ format: "pt" });
      expect(tensors).toEqual({
        a: { dtype: "F32", shape: [1, 2], data: new Float32Array(2) },
        none: { dtype: "F32", shape: [0, 3], data: new Float32Array(0) },
        b: { dtype: "F32", shape: [1], data: new Float32Array([1]) },
      });
    }
  });

  test("with every dtype", () => {
    const sizes = {
      U64: 8,
      I64: 8,
      F64: 8,
      F32: 4,
      U32: 4,
      I32: 4,
      BF16: 2,
      F16: 2,
      U16: 2,
      I16: 2,
      I8: 1,
      U8: 1,
      BOOL: 1,
    };
    for (const [dtype, size] of Object.entries(sizes)) {
      const { x } = readTensors(fileOf({ x: entry(0, 3 * size, [3], dtype) }, 3 * size)).tensors;
      expect([x.dtype, x.data.length, x.data.BYTES_PER_ELEMENT]).toEqual([dtype, 3, size]);
    }
  });

  test("with names that are those of an object's own", () => {
    const { tensors } = readTensors(fileOf(`{"__proto__":${JSON.stringify(entry(0, 4))}}`, 4));
    expect(Object.keys(tensors)).toEqual(["__proto__"]);
    expect(Object.getPrototypeOf(tensors)).toBe(Object.prototype);
  });
});

describe("a file that is not of the format is refused", () => {
  const x = JSON.stringify(entry(0, 4));
  const withField = (field: string, value: string) =>
    `{"x":${x.replace(new RegExp(`"${field}":("\\w+"|\\[.*?\\])`), `"${field}":${value}`)}}`;

  test.each<[what: string, header: unknown, length: number, ...parts: string[]]>([
    ["no object", "[]", 0, "must have { at character 0"],
    ["blanks before it", " {}", 0, "must have { at character 0"],
    ["a byte order mark", "\ufeff{}", 0, "must have { at character 0"],
    ["nothing", "", 0, "must have {"],
    ["more after it", "{}x", 0, "spaces up to its end"],
    ["other blanks after it", "{}\n", 0, "spaces up to its end"],
    ["a name twice", `{"x":${x},"x":${x}}`, 4, 'each name once, got "x" twice'],
    ["a name twice, written otherwise", `{"x":${x},"\\u0078":${x}}`, 4, 'each name once, got "x" twice'],
    ["metadata twice", '{"__metadata__":{},"__metadata__":{}}', 0, '"__metadata__" twice'],
    ["a key of the metadata twice", '{"__metadata__":{"a":"","a":""}}', 0, '"a" twice'],
    ["a field twice", `{"x":${x.replace("{", '{"dtype":"F32",')}}`, 4, '"dtype" twice'],
    ["metadata that are no text", { __metadata__: { a: 1 } }, 0, "a string"],
    ["a comma too many", `{"x":${x},}`, 4, "a string"],
    ["a name without quotes", `{x:${x}}`, 4, "a string"],
    ["a name that does not end", '{"x', 0, "the end of the string"],
    ["a name with a control character", `{"\t":${x}}`, 4, "a string"],
    ["a name with a wrong escape", `{"\\x":${x}}`, 4, "a string"],
    ["a tensor that is none", { x: 1 }, 0, "{ at character"],
    ["no dtype", { x: { shape: [1], data_offsets: [0, 4] } }, 4, "a dtype of"],
    ["an unknown dtype", { x: entry(0, 4, [1], "F31") }, 4, 'got "F31"'],
    ["a dtype of an object's own", { x: entry(0, 4, [1], "constructor") }, 4, 'got "constructor"'],
    ["no shape", { x: { dtype: "F32", data_offsets: [0, 4] } }, 4, "a shape"],
    ["no offsets", { x: { dtype: "F32", shape: [1] } }, 4, "two data_offsets"],
    ["three offsets", withField("data_offsets", "[0,4,4]"), 4, "two data_offsets"],
    ["another field", { x: { ...entry(0, 4), more: 1 } }, 4, '"more"'],
    ["a shape that is too large", { x: entry(0, 4, [2]) }, 4, "must have 8 bytes"],
    ["a shape beyond all numbers", withField("shape", `[${2 ** 50},${2 ** 50},0]`), 4, "bytes for F32"],
    ["a size beyond all numbers", withField("shape", `[${2 ** 52}]`), 4, "bytes for F32"],
    ...["NaN", "Infinity", "-1", "-0", "1.0", "1e0", "01", "null", '"1"', "1e999", "9007199254740993", "[1]"].map(
      (n): [string, unknown, number, string] => [
        `a shape of ${n}`,
        withField("shape", `[${n}]`),
        4,
        "a whole number >= 0",
      ],
    ),
    ["offsets that are NaN", withField("data_offsets", "[NaN,4]"), 4, "a whole number >= 0"],
    ["offsets in the wrong order", { x: entry(4, 0, [0]) }, 4, "must have 0 bytes"],
    ["a hole", { x: entry(0, 4), y: entry(8, 12) }, 12, 'tensor "y" must start at byte 4'],
    ["a hole before all", { x: entry(4, 8) }, 8, 'tensor "x" must start at byte 0'],
    ["an overlap", { x: entry(0, 8), y: entry(4, 12) }, 12, 'tensor "y" must start at byte 8'],
    ["the same bytes twice", { x: entry(0, 4), y: entry(0, 4) }, 4, 'tensor "y" must start at byte 4'],
    ["too few bytes", { x: entry(0, 4) }, 3, "must have 4 bytes, got 3"],
    ["too many bytes", { x: entry(0, 4) }, 5, "must have 4 bytes, got 5"],
    ["bytes far beyond", { x: entry(0, 2 ** 40) }, 4, `must have ${2 ** 40} bytes, got 4`],
  ])("%s", (_, header, length, ...parts) => {
    expectError(() => readTensors(fileOf(header, length)), RangeError, "safetensors: ", ...parts);
  });

  test("no UTF-8", () => {
    // a byte that never is, an overlong slash, half a pair of surrogates, a code beyond all, a character cut short
    for (const bytes of ["ff5f5f5f", "c0af5f5f", "eda0805f", "f4908080", "e282225f"]) {
      const file = fileOf('{"__metadata__":{"a":"____"}}');
      file.set(Buffer.from(bytes, "hex"), file.indexOf(0x5f, 24));
      expectError(() => readTensors(file), RangeError, "safetensors: the header must be UTF-8");
    }
  });

  test("lengths of the header that are huge, before anything is allocated", async () => {
    const opt = make(SGD, { w: 1 });
    const { arrayBuffers } = process.memoryUsage();
    for (const length of [2n ** 64n - 1n, 2n ** 63n, 2n ** 53n, 2n ** 32n, 100_000_001n, 100_000_000n]) {
      const file = Buffer.alloc(100, "{");
      file.writeBigUInt64LE(length);
      expectError(() => readTensors(file), RangeError, "the header must have");
      await expectRefusal(opt, () => loadStream(saveable(opt), cut(file, 10)), RangeError, "safetensors: ");
    }
    expect(process.memoryUsage().arrayBuffers - arrayBuffers).toBeLessThan(10_000_000);
  });
});

describe("a file with a right checksum and wrong metadata is refused, and nothing changes", () => {
  const create = () => make(SGD, { w: 1 }, { momentum: 0.5 });
  const good = headerOf(saved(create()));
  const text = good.metadata.gradstep;
  const tensors = good.entries;

  test("but not with right metadata", () => {
    expect(restored(create(), forged(text, tensors, 8))).toEqual(nothing);
  });

  const put = (from: string, to: string) => {
    expect(text).toContain(from);
    return text.replace(from, to);
  };
  const path = '["state","params","w"]';
  const polluting = ["__proto__", "constructor", "toString"].map((name): [string, string, string] => {
    return [`a tensor in ${name}`, put(path, `["state","${name}","polluted"]`), "no place"];
  });

  test.each<[what: string, text: string, ...parts: string[]]>([
    ["nothing", "", "must be JSON"],
    ["no JSON", text.slice(0, -1), "must be JSON"],
    ["null", "null", "must be JSON"],
    ["no tensors", '{"rest":{}}', "must be JSON"],
    ["a path that is none", put(path, '"w"'), "must be JSON"],
    ["an empty path", put(path, "[]"), "must be JSON"],
    ["a tensor that is not listed", put('"params.w"', '"params.v"'), 'tensor "params.w"', "stands nowhere"],
    ["two tensors in one place", put(path, '["state","state","w","buf"]'), "no place"],
    ["a tensor in place of a number", put(path, '["state","steps"]'), "no place"],
    ["a tensor in a number", put(path, '["state","steps","x"]'), "no place"],
    ["a tensor in an array", put(path, '["state","groups","0","names","0"]'), "no place"],
    ...polluting,
    ["values that are nested deeply", put('"version":1', `"version":${"[".repeat(5000)}${"]".repeat(5000)}`), "deeply"],
    ["no state", '{"tensors":{},"rest":{}}', "stands nowhere"],
    ["another version", put('"version":1', '"version":2'), "version must be 1, got 2"],
    ["steps that are NaN", put('"steps":0,"groups"', '"steps":"#NaN","groups"'), "steps must be a whole number"],
    ["a rate that is NaN", put('"lr":0.001', '"lr":"#NaN"'), "lr must be in", "NaN"],
    ["a shape that is not that of the tensor", put('"w":[1]', '"w":[2]'), '"w" has shape [2], expected [1]'],
  ])("%s", async (_, text, ...parts) => {
    const opt = create();
    const file = forged(text, tensors, 8);
    const before = snapshot(opt);
    let error: Error | undefined;
    try {
      restored(opt, file);
    } catch (thrown) {
      error = thrown as Error;
    }
    expect(error).toBeInstanceOf(Error);
    for (const part of parts) expect(error?.message).toContain(part);
    expectUnchanged(opt, before);
    await expect(loadStream(saveable(opt), [file], { inPlace: true })).rejects.toThrow(error?.message);
    expectUnchanged(opt, before);
    expect(Object.hasOwn(Object.prototype, "polluted") || "polluted" in Object).toBe(false);
  });

  test("a file of another program is none of ours, and says so", () => {
    expectError(() => restored(create(), fileOf({})), RangeError, "no checkpoint of gradstep");
    const wrong = { ...tensors, "params.w": { ...tensors["params.w"], dtype: "I32" } };
    expectError(
      () => restored(create(), forged(text, wrong, 8)),
      RangeError,
      '"params.w" must be F64, F32, BF16, U8, got I32',
    );
  });
});
