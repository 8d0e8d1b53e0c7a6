// Packs golden files, as the libraries' runs wrote them, into the compact form that the tests read:
//   node tests/golden/pack.mjs FOLDER refs/torch_SGD libs/torch213_SGD …
// Numbers become base64 of little-endian float64, or float32 where the case is float32. The numbers are those that the named
// version of the named library computed; nothing in them comes from gradstep.
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";

const [folder, ...names] = process.argv.slice(2);
const here = new URL(".", import.meta.url).pathname;
for (const name of names) {
  const { cases, ...rest } = JSON.parse(readFileSync(`${folder}/${name}.json`, "utf8"));
  mkdirSync(dirname(here + name), { recursive: true });
  writeFileSync(`${here}${name}.json`, cases ? packCases(cases, rest) : `${JSON.stringify(packRun(rest))}\n`);
}

function packCases(cases, { quadratic }) {
  const lines = cases.map((one) => JSON.stringify(packCase(one)));
  return `{"quadratic":${JSON.stringify(quadratic ?? null)},"cases":[\n${lines.join(",\n")}\n]}\n`;
}

function packCase({ name, dtype, source, inputs, tensors, shapes, hyperparameters, notes, params, state, ...more }) {
  const pack = (value) => packNumbers(value, dtype);
  const { do_not_test, do_not_test_exactly, problem, sensitivity, optimizer, eval_params, values } = more;
  const packed = {
    name,
    optimizer,
    source,
    dtype,
    inputs,
    tensors,
    shapes,
    problem,
    hyperparameters,
    notes,
    sensitivity,
  };
  return { ...packed, do_not_test, do_not_test_exactly, params: pack(params), state: pack(state), eval_params, values };
}

/** Inputs by set, or one run. */
function packRun({ sets, ...run }) {
  if (!sets) return { ...run, grads: packNumbers(run.grads), params: packNumbers(run.params) };
  const pack = ({ shapes, params0, grads }) => ({ shapes, params0: packNumbers(params0), grads: packNumbers(grads) });
  return { sets: Object.fromEntries(Object.entries(sets).map(([name, set]) => [name, pack(set)])) };
}

function packNumbers(value, dtype = "float64") {
  if (Array.isArray(value) && value.length > 0 && value.every((x) => typeof x === "number")) {
    const array = dtype === "float32" ? new Float32Array(value) : new Float64Array(value);
    return Buffer.from(array.buffer).toString("base64");
  }
  if (Array.isArray(value)) return value.map((x) => packNumbers(x, dtype));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, x]) => [key, packNumbers(x, dtype)]));
}
