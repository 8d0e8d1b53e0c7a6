import { dirname, sep } from "node:path";

/** TensorFlow.js on its backend "cpu" or "wasm". */
export async function open(backend, require) {
  const tf = require("@tensorflow/tfjs-core");
  const wasm = require(`@tensorflow/tfjs-backend-${backend}`);
  if (backend === "wasm") {
    wasm.setWasmPaths(dirname(require.resolve("@tensorflow/tfjs-backend-wasm")) + sep);
  }
  await tf.setBackend(backend);
  const made = {
    adam: ({ lr, beta1, beta2, eps }) => tf.train.adam(lr, beta1, beta2, eps),
    sgd: ({ lr }) => tf.train.sgd(lr),
    "sgd momentum": ({ lr, momentum }) => tf.train.momentum(lr, momentum),
  };
  return {
    version: `TensorFlow.js ${tf.version_core}, ${backend}`,
    rules: Object.keys(made),
    setUp(rule, options, p, g) {
      const optimizer = made[rule](options);
      const w = tf.variable(tf.tensor1d(p));
      const grads = { [w.name]: tf.tensor1d(g) };
      return {
        step: () => optimizer.applyGradients(grads),
        read: () => w.dataSync(),
        close() {
          optimizer.dispose();
          tf.disposeVariables();
          tf.dispose(grads);
        },
      };
    },
  };
}
