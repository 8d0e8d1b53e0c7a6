import { dirname, join } from "node:path";

/** jax-js: it has no optimizers of its own, so the rules are written in its arrays and compiled by its jit. */
export async function open(device, require) {
  const { blockUntilReady, defaultDevice, init, jit, numpy } = require("@jax-js/jax");
  const { version } = require(join(dirname(require.resolve("@jax-js/jax")), "../package.json"));
  await init(device);
  defaultDevice(device);
  const { sqrt } = numpy;
  // an array is used up by what takes it, unless it is taken by `ref`
  const moved = (x, y, t) => x.add(y.sub(x.ref).mul(t));
  const rules = {
    adam: {
      state: 2,
      scalars: ({ lr, beta1, beta2, eps }, t) => {
        const root = Math.sqrt(1 - beta2 ** t);
        return [1 - beta1, 1 - beta2, (lr * root) / (1 - beta1 ** t), eps * root];
      },
      step: (p, g, m, v, w1, w2, lr, eps) => {
        const m1 = moved(m, g.ref, w1);
        const v1 = moved(v, g.ref.mul(g), w2);
        return [p.sub(lr.mul(m1.ref).div(sqrt(v1.ref).add(eps))), m1, v1];
      },
    },
    sgd: { state: 0, scalars: ({ lr }) => [lr], step: (p, g, lr) => [p.sub(lr.mul(g))] },
    "sgd momentum": {
      state: 1,
      scalars: ({ lr, momentum }) => [lr, momentum],
      step: (p, g, buf, lr, momentum) => {
        const b1 = momentum.mul(buf).add(g);
        return [p.sub(lr.mul(b1.ref)), b1];
      },
    },
  };
  return {
    version: `jax-js ${version}, ${device}`,
    rules: Object.keys(rules),
    setUp(rule, options, p, g) {
      const { state, scalars, step } = rules[rule];
      const compiled = jit(step);
      const grads = numpy.array(g);
      let arrays = [numpy.array(p), ...Array.from({ length: state }, () => numpy.zeros([p.length]))];
      let t = 0;
      return {
        async step() {
          const [params, ...slots] = arrays;
          const numbers = scalars(options, ++t).map((x) => numpy.array(x));
          arrays = compiled(params, grads.ref, ...slots, ...numbers);
          await blockUntilReady(arrays);
        },
        read: () => arrays[0].ref.data(),
        close() {
          for (const array of [grads, ...arrays]) array.dispose();
        },
      };
    },
  };
}
