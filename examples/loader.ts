import { seededRandom, shuffle } from "./random.js";

/**
 * Deals the sample numbers 0 … length-1 in batches, each number once per epoch; the last batch may be short.
 * A batch is a view that the next epoch overwrites.
 */
export class DataLoader {
  readonly #order: Uint32Array;
  readonly #random: () => number;

  constructor(
    dataset: { readonly length: number },
    readonly batchSize: number,
    seed: number,
  ) {
    if (!Number.isInteger(batchSize) || batchSize < 1 || batchSize > dataset.length) {
      throw new RangeError(`DataLoader: batchSize must be an integer from 1 to ${dataset.length}, got ${batchSize}`);
    }
    this.#order = Uint32Array.from({ length: dataset.length }, (_, index) => index);
    this.#random = seededRandom(seed);
  }

  /** One epoch: shuffles, then yields the batches. */
  *[Symbol.iterator](): Generator<Uint32Array> {
    shuffle(this.#order, this.#random);
    for (let start = 0; start < this.#order.length; start += this.batchSize) {
      yield this.#order.subarray(start, start + this.batchSize);
    }
  }
}
