import { fileURLToPath } from "node:url";
import asc from "assemblyscript/asc";
import { Adam } from "gradstep";
import type { Digits } from "../mnist/idx.js";

export interface ModuleOptions {
  readonly epochs: number;
  readonly batchSize: number;
  readonly lr: number;
}

export interface ModuleOutcome {
  /** All parameters, one after the other. */
  readonly weights: Float32Array;
  /** Mean loss over each epoch. */
  readonly losses: number[];
  /** On the test digits, in the end. */
  readonly accuracy: number;
  /** Pages by which the module's memory has grown since the optimizer was made. */
  readonly grown: number;
}

/** The same training with the optimizer on both backends. */
export interface ModulePair {
  readonly wasm: ModuleOutcome;
  readonly js: ModuleOutcome;
}

/** What the module exports: see assembly/digits.ts. */
interface Exports {
  readonly memory: WebAssembly.Memory;
  readonly wAt: WebAssembly.Global;
  readonly bAt: WebAssembly.Global;
  readonly dwAt: WebAssembly.Global;
  readonly dbAt: WebAssembly.Global;
  malloc(bytes: number): number;
  free(pointer: number): void;
  makeRoom(count: number): void;
  imagesAt(): number;
  labelsAt(): number;
  train(batch: number): number;
  accuracy(): number;
}

/** Compiles the module. */
export async function compileModule(): Promise<WebAssembly.Module> {
  const baseDir = fileURLToPath(new URL("assembly", import.meta.url));
  let module: WebAssembly.Module | undefined;
  const writeFile = (_: string, binary: Uint8Array<ArrayBuffer>) => {
    module = new WebAssembly.Module(binary);
  };
  const options = ["--baseDir", baseDir, "--outFile", "digits.wasm", "--runtime", "minimal", "-O3", "--noAssert"];
  const { stderr } = await asc.main(["digits.ts", ...options], { writeFile: writeFile as never });
  if (!module) throw new Error(`the module does not compile: ${stderr}`);
  return module;
}

/** Has the module train itself, with an optimizer that steps the parameters in the module's memory. */
export function trainModule(
  compiled: WebAssembly.Module,
  training: Digits,
  test: Digits,
  { epochs, batchSize, lr }: ModuleOptions,
  backend: "wasm" | "js",
): ModuleOutcome {
  // the module calls this in its loop; views are made each time, because its memory may have grown
  const step = () => optimizer.step({ w: view(dwAt, 7840), b: view(dbAt, 10) });
  const { exports } = new WebAssembly.Instance(compiled, { env: { step, abort } });
  const module = exports as unknown as Exports;
  const { memory, malloc, free, wAt, bAt, dwAt, dbAt } = module;
  const view = (at: WebAssembly.Global, length: number) => new Float32Array(memory.buffer, at.value, length);

  const params = { w: { data: view(wAt, 7840), shape: [784, 10] }, b: view(bAt, 10) };
  const optimizer = new Adam(params, { memory, malloc, free, lr, gradScale: batchSize, backend });

  const before = memory.buffer.byteLength;
  const load = ({ pixels, labels, length }: Digits) => {
    module.makeRoom(length);
    new Uint8Array(memory.buffer).set(pixels, module.imagesAt());
    new Uint8Array(memory.buffer).set(labels, module.labelsAt());
  };
  load(training);
  const losses = Array.from({ length: epochs }, () => module.train(batchSize));
  load(test);
  const accuracy = module.accuracy();

  const { w, b } = optimizer.params;
  const outcome = {
    weights: Float32Array.of(...w, ...b),
    losses,
    accuracy,
    grown: (memory.buffer.byteLength - before) / 65536,
  };
  optimizer.dispose();
  return outcome;
}

function abort(): never {
  throw new Error("the module has no memory left");
}
