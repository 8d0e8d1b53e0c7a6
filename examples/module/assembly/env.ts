/** The optimizer's step, with the gradients of a batch: their sum over its images. What loads the module brings it. */
export declare function step(): void;
