/** A library that takes a step of gradient descent, and one that takes it a thousandth too far. */
export function open(kind) {
  return {
    version: `1.0.0, ${kind}`,
    rules: ["sgd"],
    setUp(rule, { lr }, p, g) {
      if (rule !== "sgd") throw new Error(`it has no ${rule}`);
      const rate = kind === "right" ? lr : 1.001 * lr;
      return {
        step() {
          for (let i = 0; i < p.length; i++) p[i] -= rate * g[i];
        },
        read: () => p,
        close() {},
      };
    },
  };
}
