// What rules of norms and shapes run on, and their kernels: none of them adds the weight decay.
export * from "./caution";
export * from "./matrix";
export * from "./optimizers/adam8bit";
export * from "./optimizers/lamb";
export * from "./optimizers/lars";
export * from "./optimizers/lion8bit";
export * from "./reduce";
