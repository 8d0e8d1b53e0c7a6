import type { Backend, Memory, Ref } from "./backend.js";
import { blockLength, inPlace, lined, roomOf, SIZE, slice, viewOf } from "./layout.js";
import type { Numbers, Reals } from "./real.js";
import { type Dtype, extraSlots, type Small } from "./rule.js";
import type { Placed } from "./store.js";

/** A tensor in its place, and where it starts in every stream, in elements. */
export interface Laid extends Placed {
  readonly start: number;
  readonly g: Ref;
  readonly gradSum: Ref;
}

/** Where the streams of a part start, in bytes of its memory. */
export interface Streams {
  readonly memory: Memory;
  readonly dtype: Dtype;
  /** Whether the parameters are the caller's, and `p` is a block that they pass through. */
  readonly own: boolean;
  readonly p: number;
  readonly g: number;
  readonly state: readonly Stream[];
  /** A block of gradients on their way to the kernel, and its elements. */
  readonly scratch: number;
  readonly block: number;
  /** The rule's scalars, and those of the stages. */
  readonly scalars: number;
  readonly stageScalars: number;
}

export interface Stream {
  readonly name: string;
  readonly type: Dtype | Small;
  readonly start: number;
}

/** What one kernel call works on. */
export interface Block {
  /** Its place in the streams, in elements. */
  readonly from: number;
  readonly length: number;
  readonly n: number;
  readonly p: Ref;
  readonly g: Ref;
  /** The slots of the rule. */
  readonly state: readonly Ref[];
  /** Those of the step: see `extraSlots`. */
  readonly ema: Ref;
  readonly gradSum: Ref;
  /** Made when they are first needed. */
  shares: readonly Share[] | undefined;
}

/** The share of a tensor's gradient that was handed over. */
export interface Handed {
  readonly tensor: Placed;
  readonly start: number;
  readonly end: number;
  /** The gradient handed in last and that part of it, so that the same array costs nothing the next time. */
  source: Reals | undefined;
  given: Reals | undefined;
}

/** The share of a tensor that lies in a block. */
export interface Share extends Handed {
  /** Its place in the scratch of gradients, and in that of parameters if they are the caller's. */
  readonly g: Reals;
  readonly p: Reals | undefined;
  /** That part of the caller's own array, unless it is stepped in place. */
  readonly own: Reals | undefined;
  /** What the kernel takes for the gradient that was handed over if it need not be copied. */
  givenRef: Ref | undefined;
}

/** Tensors side by side that are stepped: everything at once, for a step that needs no scratch, and in blocks. */
export interface Range {
  readonly whole: Block | undefined;
  readonly blocks: readonly Block[];
  /** What a kernel that goes on to the end of a line would change behind them, and the numbers to put back. */
  readonly behind: readonly { readonly numbers: Numbers; readonly kept: Numbers }[];
}

/** The ranges that tensors of a part make up. */
export function rangesOf(streams: Streams, tensors: readonly Laid[], backend: Backend, end: number): Range[] {
  const { dtype, own } = streams;
  const runs: Run[] = [];
  for (const tensor of tensors) {
    const { start, at } = tensor;
    const from = start + inPlace(tensor, dtype);
    const to = start + roomOf(tensor, dtype);
    if (from > start) runs.push({ from: start, to: from, at });
    const last = runs.at(-1);
    if (last && last.to === from && last.at === undefined) last.to = to;
    else runs.push({ from, to });
  }
  return runs.flatMap((run): Range[] => {
    const { from, to } = run;
    if (from === to) return [];
    const blocks = cut(streams, backend, run, blockLength(dtype));
    const [first, ...more] = blocks;
    const whole = more.length === 0 ? first : cut(streams, backend, run, to - from)[0];
    return [
      {
        whole: own && run.at === undefined ? undefined : whole,
        blocks,
        behind: to === end && from % lined(1, dtype) === 0 ? [] : behind(streams, from, to),
      },
    ];
  });
}

/** Elements of the streams; `at` is where parameters that are stepped in place stand in memory. */
interface Run {
  readonly from: number;
  to: number;
  readonly at?: number;
}

/** Cuts the elements of a run into blocks. */
function cut(streams: Streams, backend: Backend, { from, to, at: there }: Run, most: number): Block[] {
  const { memory, dtype, own, g, state } = streams;
  // one block that all pass through, or a stream
  const p = there === undefined ? streams.p : there - from * SIZE[dtype];
  const passes = own && there === undefined;
  const blocks: Block[] = [];
  for (let start = from; start < to; start += most) {
    const length = Math.min(most, to - start);
    const at = (stream: number, type: Dtype | Small = dtype) =>
      backend.ref(memory, type, stream + start * SIZE[type], length);
    const slot = (wanted: string) => {
      const found = state.find(({ name }) => name === wanted);
      return found ? at(found.start) : 0;
    };
    blocks.push({
      from: start,
      length,
      n: backend.count(dtype, length),
      p: passes ? backend.ref(memory, dtype, p, length) : at(p),
      g: at(g),
      state: state.filter(({ name }) => !(name in extraSlots)).map(({ start, type }) => at(start, type)),
      ema: slot("ema"),
      gradSum: slot("gradSum"),
      shares: undefined,
    });
  }
  return blocks;
}

/** What stands between the end of a range and that of its last line, which may lie in the next stream. */
function behind({ memory, dtype, own, p, g, state }: Streams, from: number, to: number) {
  const length = from + lined(to - from, dtype) - to;
  if (length === 0) return [];
  const streams = [...(own ? [] : [{ start: p, type: dtype }]), { start: g, type: dtype }, ...state];
  return streams.map(({ start, type }) => {
    const numbers = viewOf(memory, type, start + to * SIZE[type], length);
    return { numbers, kept: numbers.slice() };
  });
}

/** The shares of tensors in a range's blocks, for copying to and from scratch. */
export function shareOut({ blocks }: Range, tensors: readonly Laid[], dtype: Dtype, g: Reals, p: Reals | undefined) {
  for (const block of blocks) {
    block.shares = tensors.flatMap((tensor): Share[] => {
      const start = Math.max(0, block.from - tensor.start);
      const end = Math.min(tensor.length, block.from + block.length - tensor.start);
      if (start >= end) return [];
      const at = tensor.start + start - block.from;
      return [
        {
          tensor,
          start,
          end,
          g: g.subarray(at, at + end - start),
          p: p?.subarray(at, at + end - start),
          own: tensor.own && start >= inPlace(tensor, dtype) ? slice(tensor.own, dtype, start, end) : undefined,
          source: undefined,
          given: undefined,
          givenRef: undefined,
        },
      ];
    });
  }
}
