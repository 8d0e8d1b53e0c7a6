// What rules of norms and shapes run on, and their kernels: none of them adds the weight decay.
export * from "./caution";
export * from "./matrix";
export * from "./optimizers/adafactor";
export * from "./optimizers/adam8bit";
export * from "./optimizers/adammini";
export * from "./optimizers/adamp";
export * from "./optimizers/dadaptadam";
export * from "./optimizers/dadaptsgd";
export * from "./optimizers/lamb";
export * from "./optimizers/lars";
export * from "./optimizers/lion8bit";
export * from "./optimizers/mars";
export * from "./optimizers/sm3";
export * from "./optimizers/soap";
export * from "./reduce";
export * from "./wrappers/grokfastma";
