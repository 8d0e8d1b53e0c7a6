// Softmax regression on images of digits. Images, parameters and gradients stand in this module's memory; the optimizer, which is
// no part of it, steps them there.
import { step } from "./env";

const PIXELS = 784;
const CLASSES = 10;

const w = new StaticArray<f32>(PIXELS * CLASSES);
const b = new StaticArray<f32>(CLASSES);
const dw = new StaticArray<f32>(PIXELS * CLASSES);
const db = new StaticArray<f32>(CLASSES);
const probability = new StaticArray<f32>(CLASSES);

let images = new StaticArray<u8>(0);
let labels = new StaticArray<u8>(0);

// where the arrays stand
export const wAt = changetype<usize>(w);
export const bAt = changetype<usize>(b);
export const dwAt = changetype<usize>(dw);
export const dbAt = changetype<usize>(db);
export function imagesAt(): usize {
  return changetype<usize>(images);
}
export function labelsAt(): usize {
  return changetype<usize>(labels);
}

/** Makes room for so many images, for which memory may have to grow. */
export function makeRoom(count: i32): void {
  images = new StaticArray<u8>(count * PIXELS);
  labels = new StaticArray<u8>(count);
}

/** Memory for whoever works in it. */
export function malloc(bytes: usize): usize {
  return heap.alloc(bytes);
}
export function free(pointer: usize): void {
  heap.free(pointer);
}

/** Trains on all images once, a step for each batch; returns the mean loss. */
export function train(batch: i32): f32 {
  const count = labels.length;
  let loss: f32 = 0;
  for (let from = 0; from < count; from += batch) {
    dw.fill(0);
    db.fill(0);
    for (let i = from; i < min(from + batch, count); i++) loss += backpropagate(i);
    step();
  }
  return loss / <f32>count;
}

/** The share of the images whose label is the likeliest. */
export function accuracy(): f32 {
  let right: f32 = 0;
  for (let i = 0; i < labels.length; i++) {
    forward(i);
    let best = 0;
    for (let k = 1; k < CLASSES; k++) if (probability[k] > probability[best]) best = k;
    if (best === labels[i]) right++;
  }
  return right / <f32>labels.length;
}

/** Adds the gradient of an image's loss, and returns the loss. */
function backpropagate(image: i32): f32 {
  const label = labels[image];
  forward(image);
  const loss = -Mathf.log(probability[label]);
  probability[label] -= 1;
  for (let k = 0; k < CLASSES; k++) db[k] += probability[k];
  for (let i = 0; i < PIXELS; i++) {
    const x = pixel(image, i);
    if (x === 0) continue;
    for (let k = 0; k < CLASSES; k++) dw[i * CLASSES + k] += x * probability[k];
  }
  return loss;
}

function forward(image: i32): void {
  for (let k = 0; k < CLASSES; k++) probability[k] = b[k];
  for (let i = 0; i < PIXELS; i++) {
    const x = pixel(image, i);
    if (x === 0) continue;
    for (let k = 0; k < CLASSES; k++) probability[k] += x * w[i * CLASSES + k];
  }
  let sum: f32 = 0;
  for (let k = 0; k < CLASSES; k++) {
    probability[k] = Mathf.exp(probability[k]);
    sum += probability[k];
  }
  for (let k = 0; k < CLASSES; k++) probability[k] /= sum;
}

function pixel(image: i32, i: i32): f32 {
  return <f32>images[image * PIXELS + i] * (1.0 / 255.0);
}
