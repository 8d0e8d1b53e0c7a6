export { Adadelta } from "./adadelta.js";
export { Adagrad } from "./adagrad.js";
export { Adam } from "./adam.js";
export { Adamax } from "./adamax.js";
export { AdamW } from "./adamw.js";
export { Momentum } from "./momentum.js";
export { RMSprop } from "./rmsprop.js";
export { SGD } from "./sgd.js";
