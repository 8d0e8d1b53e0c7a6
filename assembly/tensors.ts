// What rules of norms and shapes run on, and their kernels: none of them adds the weight decay.
export * from "./matrix";
export * from "./optimizers/lars";
export * from "./optimizers/prodigy";
export * from "./reduce";
export * from "./vectors";
