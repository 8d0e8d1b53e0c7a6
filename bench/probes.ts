import { readFileSync } from "node:fs";
import asc from "assemblyscript/asc";
import { layOut, lined, SIZE } from "../src/layout.js";
import { arrays, type Dtype } from "./data.js";
import type { SlowWord } from "./kernels.js";
import { batchFor, timeSteps } from "./measure.js";

// What floors are measured with: loops that only read and write the streams of a kernel, and loops of nothing but one slow word.
// They are written here for the kernels at hand, and compiled as the library's are.

/** Something that takes turns; the time of a turn is that of one element, in nanoseconds. */
export interface Probe {
  turn(milliseconds: number): number;
}

export interface Probes {
  /** Reads and writes streams of `n` elements, laid out as an optimizer lays out its own. */
  streams(streams: string, n: number): Probe;
  /** A slow word on numbers in the nearest cache. */
  word(word: SlowWord): Probe;
}

type Loop = (n: number, ...buffers: number[]) => void;

/** Vectors that a loop takes at a time; a stream has whole lines of eight. */
const unroll = 4;

/** Elements in the nearest cache. */
const few = 1024;

/** Compiles probes for these streams and words. */
export async function compileProbes(
  dtype: Dtype,
  streams: readonly string[],
  words: readonly SlowWord[],
): Promise<Probes> {
  const module = await compile(dtype, sourceOf(streams, words));
  const count = Math.max(3, ...streams.map((each) => each.split(" ").length));
  const place = (n: number) => {
    const { starts, end } = layOut(Array(count).fill(lined(n, dtype) * SIZE[dtype]));
    const pages = Math.ceil(end / 65536);
    const memory = new WebAssembly.Memory({ initial: pages, maximum: pages });
    for (const [k, start] of starts.entries()) {
      const view = new arrays[dtype](memory.buffer, start, n);
      for (let i = 0; i < n; i++) view[i] = 1 + (i % 1021) / (k + 3);
    }
    return { starts, loops: new WebAssembly.Instance(module, { env: { memory } }).exports };
  };
  const places = new Map<number, ReturnType<typeof place>>();
  const probe = (name: string, n: number): Probe => {
    const { starts, loops } = places.get(n) ?? place(n);
    places.set(n, { starts, loops });
    const loop = loops[name] as Loop;
    const bytes = lined(n, dtype) * arrays[dtype].BYTES_PER_ELEMENT;
    return { turn: (milliseconds) => timeSteps(() => loop(bytes, ...starts), batchFor(n), milliseconds) / n };
  };
  return { streams: (kind, n) => probe(nameOf(kind), n), word: (word) => probe(`only_${word}`, few) };
}

/** Compiles a source beside lanes.ts. */
export async function compile(dtype: Dtype, source: string): Promise<WebAssembly.Module> {
  const read = (path: string) => readFileSync(new URL(path, import.meta.url), "utf8");
  const { options } = JSON.parse(read("../asconfig.json"));
  const sources = { "probes.ts": source, "lanes.ts": read("../assembly/lanes.ts") };
  const { error, stderr, binary } = await asc.compileString(sources, {
    ...options,
    use: [`real=${dtype}`, "decay=i32", "fused=i32"],
  });
  if (error || !binary) throw new Error(`the probes do not compile: ${error?.message}\n${stderr}`);
  return new WebAssembly.Module(Uint8Array.from(binary));
}

/** A function for each kind of streams, and for each word. */
export function sourceOf(streams: readonly string[], words: readonly SlowWord[]): string {
  const used = [...new Set(["add", "all", "read", "VECTOR", "write", ...words])];
  return [`import { ${used.join(", ")} } from "./lanes";`, ...streams.map(streamLoop), ...words.map(wordLoop)].join(
    "\n",
  );
}

function nameOf(streams: string): string {
  return streams.replaceAll(" ", "_");
}

/** Adds what it only reads, to what it writes or into sums. */
function streamLoop(streams: string): string {
  const kinds = streams.split(" ");
  const only = kinds.flatMap((kind, i) => (kind === "r" ? [i] : []));
  const writes = only.length < kinds.length;
  const at = (i: number, k: number) => `s${i} + j + ${k} * VECTOR`;
  const body = range(unroll).flatMap((k) => [
    `const x${k} = ${only.reduce((sum, i) => `add(${sum}, read(${at(i, k)}))`, writes ? "one" : `sum${k}`)};`,
    ...kinds.flatMap((kind, i) => {
      if (kind === "r") return [];
      return `write(${at(i, k)}, ${kind === "w" ? `x${k}` : `add(read(${at(i, k)}), x${k})`});`;
    }),
    ...(writes ? [] : [`sum${k} = x${k};`]),
  ]);
  const sums = range(unroll).map((k) => `let sum${k} = one;`);
  const total = range(unroll).map((k) => `write(s0 + ${k} * VECTOR, sum${k});`);
  return loop(nameOf(streams), kinds.length, writes ? [] : sums, body, writes ? [] : total);
}

function wordLoop(word: SlowWord): string {
  const body = range(unroll).map((k) => {
    const [x, y] = [1, 2].map((i) => `read(s${i} + j + ${k} * VECTOR)`);
    return `write(s0 + j + ${k} * VECTOR, ${word}(${word === "div" ? `${x}, ${y}` : x}));`;
  });
  return loop(`only_${word}`, 3, [], body, []);
}

function loop(name: string, count: number, before: string[], body: string[], after: string[]): string {
  const parameters = range(count).map((i) => `s${i}: usize`);
  return [
    `export function ${name}(n: usize, ${parameters.join(", ")}): void {`,
    "const one = all(1);",
    ...before,
    `for (let j: usize = 0; j < n; j += ${unroll} * VECTOR) {`,
    ...body,
    "}",
    ...after,
    "}",
  ].join("\n");
}

function range(n: number): number[] {
  return Array.from({ length: n }, (_, i) => i);
}
