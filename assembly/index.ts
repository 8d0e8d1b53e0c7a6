export { DECAYS, REAL_BYTES } from "./lanes";
export * from "./optimizers/adadelta";
export * from "./optimizers/adagrad";
export * from "./optimizers/adam";
export * from "./optimizers/adamax";
export * from "./optimizers/momentum";
export * from "./optimizers/rmsprop";
export * from "./optimizers/sgd";
export * from "./stages";
