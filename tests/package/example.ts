import { Adam } from "../../src/index.js";

/** Three steps of Adam, to be run in many places; it must come to the same numbers in all of them. */
function example(made: typeof Adam): [backend: string, ...w: number[]] {
  const opt = new made({ w: 3 }, { lr: 0.1 });
  opt.params.w.set([1, -2, 3]);
  const gradients = [
    [0.5, -4, 0.001],
    [-0.25, 3, 0],
    [1, 1, 1e-9],
  ];
  for (const g of gradients) {
    opt.grads.w.set(g);
    opt.step();
  }
  return [opt.backend, ...opt.params.w];
}

/** The same as a program that leaves its result in `answer`; it needs `Adam` to be there. */
export const program = `${example}\nconst answer = example(Adam);`;

/** What it must come to. */
export const [, ...numbers] = example(Adam);
