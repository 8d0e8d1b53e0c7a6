// JavaScript whose comments have the types: see types.test.ts.
import { AdamW, optimizers, SGD } from "gradstep";

/** @param {import("gradstep").Optimizer} opt */
function run(opt) {
  opt.step();
  return opt.groups[0];
}
run(new AdamW({ w: new Float32Array(3) }));

/** @type {import("gradstep").Options<typeof SGD.defaults>} */
const options = { lr: 0.1, momentum: 0.9 };
new SGD([new Float32Array(3)], options).step([new Float32Array(3)]);

/** @type {Record<string, import("gradstep").AnyOptimizerClass>} */
const byName = optimizers;
const Found = byName.adam;
if (Found) run(new Found({ w: 3 }, { lr: 0.1 }));
