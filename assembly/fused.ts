// The kernels whose third form does the other stages of the step: see `gradient` and `update`.
export { FORM, REAL_BYTES } from "./lanes";
export * from "./optimizers/adam";
export * from "./optimizers/momentum";
export * from "./optimizers/sgd";
