import { parseArgs } from "node:util";
import { cases, casesNamed } from "./cases.js";
import { arrays, type Dtype } from "./data.js";
import { targetLabels, targetSizes } from "./targets.js";

/** In the caches, and beyond them. */
const ruleSizes = [65536, 4194304];

export const help = `npm run bench -- [flags]         (npm run --silent bench -- --json > file.json)

Times every optimizer: the WebAssembly backend against its TypeScript twin, JavaScript written by hand, and C
compiled by gcc where gcc is present.

  --quick              only what the targets need, about half a minute
  --rules              instead: every rule beside its floor, the time that its bytes or its divisions take
  --only adam,sgd      only these rules, or variants such as "sgd momentum"
  --sizes 2,1024       only these numbers of elements
  --dtypes f32         only these dtypes, of f32 and f64
  --json               one JSON document on stdout instead of tables
  --help               this text`;

export interface Flags {
  help: boolean;
  json: boolean;
  quick: boolean;
  /** Whether rules stand beside their floors, instead of beside other ways to run them. */
  rules: boolean;
  labels: readonly string[];
  sizes: readonly number[];
  dtypes: readonly Dtype[];
}

/** Reads the command line; throws an error with one sentence if it makes no sense. */
export function parseFlags(args: readonly string[]): Flags {
  const { values } = parseArgs({
    args: [...args],
    options: {
      help: { type: "boolean", default: false },
      json: { type: "boolean", default: false },
      quick: { type: "boolean", default: false },
      rules: { type: "boolean", default: false },
      only: { type: "string" },
      sizes: { type: "string" },
      dtypes: { type: "string" },
    },
  });
  const { help, json, quick, rules } = values;
  const labels = values.only === undefined ? undefined : list(values.only).flatMap(readRule);
  const sizes = values.sizes === undefined ? undefined : list(values.sizes).map(readSize);
  const dtypes = values.dtypes === undefined ? undefined : list(values.dtypes).map(readDtype);
  return {
    help,
    json,
    quick,
    rules,
    labels: labels ?? (quick ? targetLabels : cases.map((c) => c.label)),
    sizes: sizes ?? (rules ? ruleSizes : quick ? targetSizes : [2, 64, 1024, 65536, 1048576, 4194304]),
    dtypes: dtypes ?? (quick ? ["f32"] : ["f32", "f64"]),
  };
}

function list(text: string): string[] {
  return text.split(",").map((word) => word.trim());
}

function readRule(name: string): string[] {
  const found = casesNamed([name]);
  if (found.length > 0) return found.map((c) => c.label);
  throw new RangeError(`--only: expected one of ${cases.map((c) => c.label).join(", ")}, got "${name}"`);
}

function readSize(text: string): number {
  const n = Number(text);
  if (text !== "" && Number.isSafeInteger(n) && n > 0) return n;
  throw new RangeError(`--sizes: expected whole numbers above 0, got "${text}"`);
}

function readDtype(name: string): Dtype {
  if (name in arrays) return name as Dtype;
  throw new RangeError(`--dtypes: expected f32 or f64, got "${name}"`);
}
