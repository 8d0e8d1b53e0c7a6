import { openFile, readTensor, type Tensor } from "./format.js";

/** What a safetensors file holds. */
export interface TensorFile {
  readonly tensors: Readonly<Record<string, Tensor>>;
  readonly metadata: Readonly<Record<string, string>>;
}

/**
 * The tensors of any safetensors file, for example a model's weights: `opt.params.w.set(tensors.w.data)`. Where alignment allows,
 * they are views on the file's bytes.
 */
export function readTensors(bytes: Uint8Array | ArrayBuffer): TensorFile {
  const { header, data } = openFile("readTensors", bytes);
  const tensors = header.entries.map((entry) => [entry.name, readTensor(entry, data)]);
  return { tensors: Object.fromEntries(tensors), metadata: Object.fromEntries(header.metadata) };
}
