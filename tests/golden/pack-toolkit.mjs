// Packs golden files about what happens around a step: clipping, averages, accumulation, steps left out.
//   node tests/golden/pack-toolkit.mjs FOLDER refs/clip libs/torch213_clip libs/optax_transforms libs/keras_Adam …
// The numbers are those that the named version of the named library computed; nothing in them comes from gradstep.
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { basename } from "node:path";
import { packNumbers } from "./numbers.mjs";

// Of the files of an optimizer's runs, those that are about more than its rule.
const around = /\/(ema|accumulate|clipnorm|clipvalue|global_clipnorm)\//;

const [folder, ...names] = process.argv.slice(2);
const here = new URL("toolkit/", import.meta.url).pathname;
mkdirSync(here, { recursive: true });
for (const name of names) {
  const { cases, shapes, grads, thetas } = JSON.parse(readFileSync(`${folder}/${name}.json`, "utf8"));
  const chosen = name.includes("keras") ? cases.filter((one) => around.test(one.name)) : cases;
  const head = JSON.stringify({
    shapes: shapes ?? chosen[0].shapes,
    grads: packNumbers(grads),
    thetas: packNumbers(thetas),
  });
  const lines = chosen.map((one) => JSON.stringify(packCase(one)));
  writeFileSync(`${here}${basename(name)}.json`, `${head.slice(0, -1)},"cases":[\n${lines.join(",\n")}\n]}\n`);
}

function packCase(one) {
  const { name, dtype, optimizer, hyperparameters, bad, call, source } = one;
  const { function: called, transform = called, grads, max_norm, clip_value = max_norm, norm_type, total_norm } = one;
  const { kind, decay, clipped, updates, params, average, moving_average, counts } = one;
  const pack = (value) => packNumbers(value, dtype);
  return {
    ...{ name, dtype, call, source, optimizer, transform, hyperparameters, bad, skipped: counts?.at(-1)[2] },
    ...{ grads, max: clip_value, normType: norm_type, norm: total_norm, kind, decay },
    values: pack(clipped ?? updates ?? average ?? params),
    average: pack(moving_average),
  };
}
