import { describe, expect, test } from "vitest";
import { Adam, SGD } from "../src/index.js";
import { loadStream, saveStream } from "../src/safetensors/index.js";
import { cut, expectRefusal, nothing, restored, saveable, saved, streamed, streamedInPlace } from "./checkpoints.js";
import { detach, make, type Subject, start, train } from "./helpers.js";

describe("a stream", () => {
  const create = (backend = "wasm") => start(make(Adam, { w: [3, 70_000], b: 5 }, { backend }));

  test("is the file, in pieces", async () => {
    const opt = train(create(), 1);
    const pieces: Uint8Array[] = [];
    for await (const piece of saveStream(saveable(opt))) pieces.push(piece);
    expect(Math.max(...pieces.map(({ length }) => length))).toBeLessThanOrEqual(2 ** 18);
    expect(Buffer.concat(pieces).equals(saved(opt))).toBe(true);
  });

  test("of pieces of any size is loaded, in place or not", async () => {
    const small = () => start(make(Adam, { w: [3, 2], b: 5 }));
    const file = saved(train(small(), 3));
    for (const size of [1, 3, 8, 100, 1e6]) {
      for (const inPlace of [false, true]) {
        const to = small();
        expect(await loadStream(saveable(to), cut(file, size), { inPlace })).toEqual(nothing);
        expect(saved(to)).toEqual(file);
      }
    }
  });

  test("goes from one optimizer to another, on either backend", async () => {
    for (const inPlace of [false, true]) {
      const [from, to] = [train(create("wasm"), 2), create("js")];
      await loadStream(saveable(to), saveStream(saveable(from)), { inPlace });
      expect(Buffer.compare(saved(to), saved(from))).toBe(0);
    }
  });

  test("without async iteration, as in older browsers, is read by its reader, and cancelled after an error", async () => {
    const file = saved(make(SGD, { w: 2 }));
    let cancelled = 0;
    const source = (bytes: Uint8Array) => {
      const pieces = cut(bytes, 50);
      return {
        getReader: () => ({
          read: async () => pieces.next() as { done: boolean; value?: Uint8Array },
          cancel: async () => cancelled++,
        }),
      };
    };
    expect(await loadStream(saveable(make(SGD, { w: 2 })), source(file))).toEqual(nothing);
    expect(cancelled).toBe(0);
    await expect(loadStream(saveable(make(SGD, { w: 3 })), source(file))).rejects.toThrow("shape");
    expect(cancelled).toBe(1);
  });

  test("is let go of, whole or broken off, and an error is the first that there was", async () => {
    const opt = make(SGD, { w: 2 });
    const whole = saved(opt);
    const bad = Uint8Array.from(whole, (byte, i) => (i === 9 ? 0 : byte));
    for (const [bytes, sentence] of [
      [whole, ""],
      [bad, "safetensors: the header"],
      [whole.slice(0, 20), "connection lost"],
    ] as const) {
      let cancelled = 0;
      const pieces = cut(bytes, 7);
      const stream = new ReadableStream<Uint8Array>({
        pull(controller) {
          const { done, value } = pieces.next();
          if (!done) controller.enqueue(value);
          else if (bytes.length === whole.length) controller.close();
          else throw new Error("connection lost");
        },
        cancel() {
          cancelled++;
          throw new Error("cannot be cancelled");
        },
      });
      const loaded = loadStream(saveable(opt), stream);
      if (sentence) await expect(loaded).rejects.toThrow(sentence);
      else expect(await loaded).toEqual(nothing);
      expect(stream.locked).toBe(false);
      expect(cancelled).toBe(bytes === bad ? 1 : 0);
    }
    const source = {
      [Symbol.asyncIterator]: () => ({
        next: async () => ({ done: false, value: bad }),
        return: async () => {
          throw new Error("cannot be closed");
        },
      }),
    };
    await expect(loadStream(saveable(opt), source)).rejects.toThrow("safetensors: the header");
  });

  test("of what is no bytes is refused", async () => {
    const to = make(SGD, { w: 2 });
    await expectRefusal(
      to,
      () => loadStream(saveable(to), ["text"] as never),
      TypeError,
      "stream must yield",
      '"text"',
    );
    for (const source of [null, undefined, {}, 3, "text"]) {
      await expectRefusal(to, () => loadStream(saveable(to), source as never), TypeError, "expected a ReadableStream");
    }
    await expectRefusal(to, () => restored(to, "text"), TypeError, "load: expected a Uint8Array", '"text"');
  });

  test("that does not fit is refused before its tensors are read", async () => {
    const file = saved(create());
    let read = 0;
    const counted = function* () {
      for (const piece of cut(file, 1000)) {
        read += piece.length;
        yield piece;
      }
    };
    const to = start(make(Adam, { w: [3, 70_001], b: 5 }));
    await expectRefusal(to, () => loadStream(saveable(to), counted()), RangeError, '"w" has shape');
    expect(read).toBeLessThan(5000);
  });

  test("that breaks off changes nothing, or in place says that it did", async () => {
    const small = () => start(make(Adam, { w: [3, 2], b: 5 }));
    const file = saved(train(small(), 3));
    for (const bytes of [file.slice(0, -1), file.slice(0, -40), Buffer.concat([file, Buffer.alloc(1)])]) {
      const to = small();
      await expectRefusal(to, () => streamed(to, bytes), RangeError, "safetensors: the stream must");
      await expect(streamedInPlace(to, bytes)).rejects.toThrow(
        /^loadStream: the optimizer is partly loaded, .*stream must/,
      );
    }
    const broken = function* () {
      yield file.slice(0, -9);
      throw new Error("connection lost");
    };
    await expect(loadStream(saveable(small()), broken(), { inPlace: true })).rejects.toThrow(/partly.*connection lost/);
  });

  test("breaks off when the optimizer steps, is disposed of, or loses an array", async () => {
    const act = async (change: (opt: Subject) => void, opt = create()) => {
      const reader = (saveStream(saveable(opt)) as ReadableStream<Uint8Array>).getReader();
      await reader.read();
      change(opt);
      for (;;) if ((await reader.read()).done) return;
    };
    await expect(act((opt) => opt.step())).rejects.toThrow("saveStream: the optimizer must not step meanwhile");
    await expect(act((opt) => opt.dispose())).rejects.toThrow("dispose()");
    const own = make(SGD, { w: new Float32Array(5) });
    await expect(act((opt) => detach(opt.params.w), own)).rejects.toThrow("transferred away");
    const to = create();
    const pieces = function* () {
      for (const piece of cut(saved(create()), 100_000)) {
        yield piece;
        to.step();
      }
    };
    await expect(loadStream(saveable(to), pieces(), { inPlace: true })).rejects.toThrow(/partly.*must not step/);
  });
});
