import { describe } from "../check.js";
import { fail, toBytes } from "./format.js";

/** Where bytes come from: a `ReadableStream`, a stream of Node's, or anything else that yields pieces. */
export type ByteSource =
  | AsyncIterable<Uint8Array>
  | Iterable<Uint8Array>
  | {
      getReader(): {
        read(): Promise<{ readonly done: boolean; readonly value?: Uint8Array | undefined }>;
        cancel(reason?: unknown): Promise<unknown>;
        releaseLock?(): void;
      };
    };

/** Reads a source by numbers of bytes. */
export class Source {
  readonly #pieces: AsyncIterator<Uint8Array>;
  #piece: Uint8Array = new Uint8Array(0);
  /** Bytes read so far. */
  read = 0;

  constructor(pieces: AsyncIterator<Uint8Array>) {
    this.#pieces = pieces;
  }

  /** At least one byte and at most so many, or undefined at the end. */
  async some(most: number): Promise<Uint8Array | undefined> {
    while (this.#piece.length === 0) {
      const { done, value } = await this.#pieces.next();
      if (done) return undefined;
      this.#piece = toBytes(value, "loadStream: the stream must yield");
    }
    const some = this.#piece.subarray(0, most);
    this.#piece = this.#piece.subarray(some.length);
    this.read += some.length;
    return some;
  }

  /** Hands over so many bytes, as they come, and where each piece starts. */
  async each(length: number, take: (some: Uint8Array, at: number) => void): Promise<void> {
    for (let at = 0; at < length; ) {
      const some = await this.some(length - at);
      if (!some) return fail(`the stream must have ${length - at} bytes more, got its end after ${this.read}`);
      take(some, at);
      at += some.length;
    }
  }

  /** So many bytes. They are not kept before they have come. */
  async bytes(length: number): Promise<Uint8Array> {
    const pieces: Uint8Array[] = [];
    await this.each(length, (some) => pieces.push(some.slice()));
    const all = new Uint8Array(length);
    let at = 0;
    for (const piece of pieces) {
      all.set(piece, at);
      at += piece.length;
    }
    return all;
  }

  async end(): Promise<void> {
    if (await this.some(1)) fail(`the stream must end after ${this.read - 1} bytes, got more`);
  }
}

/** Throws unless there is something to be read. */
export function checkSource(source: unknown): void {
  const ways = ["getReader", Symbol.asyncIterator, Symbol.iterator];
  if (typeof source === "object" && source !== null && ways.some((way) => way in source)) return;
  throw new TypeError(`loadStream: expected a ReadableStream or an iterable of Uint8Arrays, got ${describe(source)}`);
}

/** The pieces of a source; whoever stops early cancels it. */
export async function* piecesOf(source: ByteSource): AsyncGenerator<Uint8Array> {
  // not every engine iterates over a ReadableStream
  if (!("getReader" in source)) {
    yield* source;
    return;
  }
  const reader = source.getReader();
  let ended = false;
  try {
    for (;;) {
      const { done, value } = await reader.read();
      ended = done;
      if (done) return;
      yield value as Uint8Array;
    }
  } finally {
    try {
      if (!ended) await reader.cancel();
    } finally {
      reader.releaseLock?.();
    }
  }
}
