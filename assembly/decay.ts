// The kernels whose second form adds the coupled weight decay: see `gradient`. Rarer ones have it added before them.
export { FORM, REAL_BYTES } from "./lanes";
export { adam, adamAmsgrad } from "./optimizers/adam";
export * from "./optimizers/momentum";
export { rmsprop, rmspropCentered, rmspropCenteredMomentum, rmspropMomentum } from "./optimizers/rmsprop";
export * from "./optimizers/sgd";
