import { describe, isRecord } from "../check.js";
import { checksum } from "./checksum.js";
import {
  type Bytes,
  type Entry,
  fail,
  type Header,
  type Tensor,
  type TensorData,
  type TensorDtype,
  writeHeader,
} from "./format.js";
import { type Path, putTogether, takeApart } from "./tree.js";

// A checkpoint is a safetensors file with two metadata: "gradstep" is JSON of everything that is no tensor, and says which
// tensor stands where; "checksum" is its CRC-32.

/** What is saved: a state dict of the optimizer, and one of each extra. */
export interface Contents {
  readonly state: unknown;
  readonly extras: unknown;
}

interface Text {
  readonly tensors: Readonly<Record<string, Path>>;
  readonly rest: unknown;
}

const dtypes: Readonly<Record<string, TensorDtype>> = {
  Float64Array: "F64",
  Float32Array: "F32",
  Uint16Array: "BF16",
  Uint8Array: "U8",
};

/** What an array is in a checkpoint: 16 bits are those of a bfloat16 number. */
export function dtypeOf(data: TensorData): TensorDtype | undefined {
  return dtypes[Object.prototype.toString.call(data).slice(8, -1)];
}

/** The file's header, and the arrays that come after it. */
export function writeCheckpoint(who: string, contents: Contents): { head: Bytes; sorted: TensorData[] } {
  const { rest, arrays } = takeApart(who, contents);
  const { shapes } = contents.state as { shapes?: unknown };
  const named = new Map<string, Tensor>();
  const paths = arrays.map(([path, data]) => {
    const name = nameOf(path, named);
    const dtype = dtypeOf(data);
    if (!dtype) {
      throw new TypeError(
        `${who}: ${path.join(".")} must be an array of ${Object.keys(dtypes).join(", ")}, got ${describe(data)}`,
      );
    }
    named.set(name, { dtype, shape: shapeOf(shapes, path, data.length), data });
    return [name, path];
  });
  const gradstep = JSON.stringify({ tensors: Object.fromEntries(paths), rest } satisfies Text);
  return writeHeader(named, { gradstep, checksum: checksum(gradstep) });
}

/** What a checkpoint's header says; its tensors are still to come. */
export class Checkpoint {
  readonly entries: readonly Entry[];
  readonly #text: Text;

  constructor({ metadata, entries }: Header) {
    this.entries = entries;
    const gradstep = metadata.get("gradstep");
    const sum = metadata.get("checksum");
    if (gradstep === undefined || sum === undefined) {
      fail('the file is no checkpoint of gradstep: it must have the metadata "gradstep" and "checksum"');
    }
    if (checksum(gradstep) !== sum)
      fail(`the header is damaged: the checksum must be ${checksum(gradstep)}, got ${describe(sum)}`);
    this.#text = readText(gradstep);
    this.#checkEntries();
  }

  /** Where a tensor stands. */
  pathOf({ name }: Entry): Path {
    return this.#text.tensors[name];
  }

  /** The state dicts, with arrays for those tensors that have one. */
  contents(arrayOf: (entry: Entry) => TensorData | undefined): Contents {
    const arrays = this.entries.flatMap((entry) => {
      const data = arrayOf(entry);
      return data ? [[this.pathOf(entry), data] as const] : [];
    });
    return putTogether({ rest: this.#text.rest, arrays }) as Contents;
  }

  #checkEntries(): void {
    const { tensors, rest } = this.#text;
    const shapes = isRecord(rest) && isRecord(rest.state) ? rest.state.shapes : undefined;
    for (const { name, dtype, shape, length } of this.entries) {
      const who = `tensor ${describe(name)}`;
      if (!Object.hasOwn(tensors, name)) fail(`${who} stands nowhere in the state: the metadata do not list it`);
      if (!Object.values(dtypes).includes(dtype))
        fail(`${who} must be ${Object.values(dtypes).join(", ")}, got ${dtype}`);
      const expected = shapeOf(shapes, tensors[name], length);
      if (String(expected) !== String(shape)) fail(`${who} must have shape [${expected}], got [${shape}]`);
    }
  }
}

function readText(gradstep: string): Text {
  let text: unknown;
  try {
    text = JSON.parse(gradstep);
  } catch {
    // said below
  }
  const isPath = (path: unknown) =>
    Array.isArray(path) && path.length > 0 && path.every((key) => typeof key === "string");
  if (
    !isRecord(text) ||
    !isRecord(text.tensors) ||
    !isRecord(text.rest) ||
    !Object.values(text.tensors).every(isPath)
  ) {
    return fail('the metadata "gradstep" must be JSON of tensors and rest');
  }
  return text as unknown as Text;
}

/** The shape of a parameter, also for its state where that has as many elements. */
function shapeOf(shapes: unknown, [, , parameter = ""]: Path, length: number): readonly number[] {
  const shape = isRecord(shapes) && Object.hasOwn(shapes, parameter) ? shapes[parameter] : undefined;
  const fits = Array.isArray(shape) && shape.reduce((product, n) => product * n, 1) === length;
  return fits ? shape : [length];
}

/** The path with dots, without half characters, which other readers refuse, and unlike the names before. */
function nameOf(path: Path, taken: { has(name: string): boolean }): string {
  const shown = path[0] === "state" ? path.slice(1) : path;
  let name = shown.join(".").replace(/\p{Surrogate}/gu, "\ufffd");
  while (taken.has(name)) name += "~";
  return name;
}
