export * from "./combine.js";
export * from "./cosine.js";
export * from "./cyclic.js";
export * from "./decay.js";
export * from "./one-cycle.js";
export * from "./piecewise.js";
export * from "./plateau.js";
export * from "./warmup.js";
