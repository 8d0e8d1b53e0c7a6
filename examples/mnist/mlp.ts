import { gaussian } from "../random.js";
import type { Digits } from "./idx.js";

export const inputs = 784;
export const hidden = 128;
export const classes = 10;

/** The parameters of 784-128-10, or their gradients: a matrix has a row for each of its inputs. */
export interface Layers {
  readonly w1: Float32Array;
  readonly b1: Float32Array;
  readonly w2: Float32Array;
  readonly b2: Float32Array;
}

export const shapes = { w1: [inputs, hidden], b1: hidden, w2: [hidden, classes], b2: classes } as const;

/** Weights of variance 2 / inputs, for rectifiers: He et al., ICCV 2015. Biases stay 0. */
export function initialize({ w1, w2 }: Layers, random: () => number): void {
  for (let i = 0; i < w1.length; i++) w1[i] = Math.sqrt(2 / inputs) * gaussian(random);
  for (let i = 0; i < w2.length; i++) w2[i] = Math.sqrt(2 / hidden) * gaussian(random);
}

// what the forward pass leaves for the backward pass: the pixels that are not 0, and the rows of w1 that they meet, …
const pixel = new Float32Array(inputs);
const row = new Uint32Array(inputs);
// … filled up with zeros to a multiple of four: four rows in one pass are twice as fast as one (measured)
let filled = 0;
const activation = new Float32Array(hidden);
const activationGradient = new Float32Array(hidden);
const probability = new Float32Array(classes);

/** Adds the gradient of a batch's mean cross-entropy to `gradients`, which start at 0, and returns that mean. */
export function backpropagate(layers: Layers, gradients: Layers, digits: Digits, batch: Uint32Array): number {
  let loss = 0;
  for (const index of batch) {
    const label = digits.labels[index];
    forward(layers, digits.pixels, index * inputs);
    loss -= Math.log(probability[label]);
    probability[label] -= 1;
    for (let k = 0; k < classes; k++) probability[k] /= batch.length;
    backward(layers, gradients);
  }
  return loss / batch.length;
}

/** The share of the digits that the network names rightly. */
export function accuracy(layers: Layers, digits: Digits): number {
  let right = 0;
  for (let index = 0; index < digits.length; index++) {
    forward(layers, digits.pixels, index * inputs);
    if (probability.indexOf(Math.max(...probability)) === digits.labels[index]) right++;
  }
  return right / digits.length;
}

/** From the pixels at `start` to `activation` and `probability`. */
function forward({ w1, b1, w2, b2 }: Layers, pixels: Uint8Array, start: number): void {
  gatherPixels(pixels, start);
  activation.set(b1);
  for (let n = 0; n < filled; n += 4) {
    const [x0, x1, x2, x3] = [pixel[n], pixel[n + 1], pixel[n + 2], pixel[n + 3]];
    const [r0, r1, r2, r3] = [row[n], row[n + 1], row[n + 2], row[n + 3]];
    for (let j = 0; j < hidden; j++) {
      activation[j] += x0 * w1[r0 + j] + x1 * w1[r1 + j] + x2 * w1[r2 + j] + x3 * w1[r3 + j];
    }
  }
  probability.set(b2);
  for (let j = 0; j < hidden; j++) {
    if (activation[j] <= 0) activation[j] = 0;
    else for (let k = 0; k < classes; k++) probability[k] += activation[j] * w2[j * classes + k];
  }
  softmax(probability);
}

/** From the output's gradient, which stands in `probability`, back to all layers. */
function backward({ w2 }: Layers, gradients: Layers): void {
  for (let k = 0; k < classes; k++) gradients.b2[k] += probability[k];
  for (let j = 0; j < hidden; j++) {
    let sum = 0;
    if (activation[j] > 0) {
      for (let k = 0; k < classes; k++) {
        gradients.w2[j * classes + k] += activation[j] * probability[k];
        sum += w2[j * classes + k] * probability[k];
      }
    }
    activationGradient[j] = sum;
    gradients.b1[j] += sum;
  }
  const { w1 } = gradients;
  for (let n = 0; n < filled; n += 4) {
    const [x0, x1, x2, x3] = [pixel[n], pixel[n + 1], pixel[n + 2], pixel[n + 3]];
    const [r0, r1, r2, r3] = [row[n], row[n + 1], row[n + 2], row[n + 3]];
    for (let j = 0; j < hidden; j++) {
      const gradient = activationGradient[j];
      w1[r0 + j] += x0 * gradient;
      w1[r1 + j] += x1 * gradient;
      w1[r2 + j] += x2 * gradient;
      w1[r3 + j] += x3 * gradient;
    }
  }
}

function gatherPixels(pixels: Uint8Array, start: number): void {
  filled = 0;
  for (let i = 0; i < inputs; i++) {
    if (pixels[start + i] === 0) continue;
    pixel[filled] = pixels[start + i] / 255;
    row[filled++] = i * hidden;
  }
  while (filled % 4 !== 0) {
    pixel[filled] = 0;
    row[filled++] = 0;
  }
}

function softmax(values: Float32Array): void {
  const largest = Math.max(...values);
  let sum = 0;
  for (let k = 0; k < values.length; k++) sum += values[k] = Math.exp(values[k] - largest);
  for (let k = 0; k < values.length; k++) values[k] /= sum;
}
