// The kernels whose second form adds the coupled weight decay: see `gradient`.
export { FORM, REAL_BYTES } from "./lanes";
export * from "./optimizers/adam";
export * from "./optimizers/momentum";
export * from "./optimizers/rmsprop";
export * from "./optimizers/sgd";
