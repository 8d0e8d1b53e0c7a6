import type { LoadResult } from "../state-dict.js";
import { Checkpoint, writeCheckpoint } from "./checkpoint.js";
import {
  checkArguments,
  contentsOf,
  type LoadOptions,
  loadOptions,
  restore,
  type Saveable,
  type SaveOptions,
  saveOptions,
} from "./extras.js";
import { type Bytes, bytesOf, openFile, readTensor } from "./format.js";

export type { LoadResult } from "../state-dict.js";
export type { Extra, LoadOptions, Saveable, SaveOptions } from "./extras.js";
export type { Bytes, Tensor, TensorData, TensorDtype } from "./format.js";
export type { ByteSource } from "./source.js";
export { type ByteStream, type LoadStreamOptions, loadStream, saveStream } from "./stream.js";
export { readTensors, type TensorFile } from "./tensors.js";
export { type LoadTorchOptions, loadTorch } from "./torch.js";

/** The whole state of an optimizer as a safetensors file: parameters, state, hyperparameters and counts of steps. */
export function save(opt: Saveable, options: SaveOptions = {}): Bytes {
  checkArguments("save", opt, options, saveOptions);
  const { head, sorted } = writeCheckpoint("save", contentsOf(opt, options));
  const file = new Uint8Array(sorted.reduce((length, { byteLength }) => length + byteLength, head.length));
  file.set(head);
  let at = head.length;
  for (const data of sorted) {
    file.set(bytesOf(data), at);
    at += data.byteLength;
  }
  return file;
}

/**
 * Takes over what `save` wrote, on any backend, with parameters and groups in any order. The file is checked whole before anything
 * changes: after an error, nothing has.
 */
export function load(opt: Saveable, bytes: Uint8Array | ArrayBuffer, options: LoadOptions = {}): LoadResult {
  checkArguments("load", opt, options, loadOptions);
  const { header, data } = openFile("load", bytes);
  const contents = new Checkpoint(header).contents((entry) => readTensor(entry, data).data);
  return restore("load", opt, contents, options);
}
