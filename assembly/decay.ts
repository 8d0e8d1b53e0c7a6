// The kernels that are compiled a second time, to add the coupled weight decay themselves.
export { DECAYS, REAL_BYTES } from "./lanes";
export * from "./optimizers/adam";
export * from "./optimizers/momentum";
export * from "./optimizers/rmsprop";
export * from "./optimizers/sgd";
