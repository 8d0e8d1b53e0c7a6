import { parseArgs } from "node:util";
import { cases, casesNamed } from "./cases.js";
import { arrays, type Dtype } from "./data.js";
import { largeSizes, targetLabels, targetSizes } from "./targets.js";

/** In the caches, and beyond them. */
const ruleSizes = [65536, 4194304];

/** What the README's table shows. */
export const readmeSize = 1048576;

const peerSizes = [1024, 65536, 1048576];
const allSizes = [2, 64, 1024, 65536, 1048576, 4194304];

export interface Flags {
  help: boolean;
  json: boolean;
  quick: boolean;
  all: boolean;
  /** Whether other libraries are measured too. */
  peers: boolean;
  /** Whether everything is measured that the library is held to. */
  targets: boolean;
  /** Whether rules stand beside their floors, instead of beside other ways to run them. */
  rules: boolean;
  /** Whether the README's table is written. */
  readme: boolean;
  /** Where the report with plots goes. */
  html?: string;
  labels: readonly string[];
  sizes: readonly number[];
  dtypes: readonly Dtype[];
}

/** What only works in a clone of the repository. */
const ofRepository = ["targets", "rules", "readme"] as const;

/** What does not go with `--rules`. */
const ofMeasuring = ["quick", "all", "peers", "targets", "readme", "html"] as const;

/** The text of `--help`, for a command that is called so. */
export function helpFor(call: string, inRepository: boolean): string {
  const lines = [
    ["--quick", "only what is held against limits, about half a minute"],
    ["--all", "every rule with every variant, in both dtypes, about ten minutes"],
    ["--only adam,sgd", 'only these rules, or variants such as "sgd momentum"'],
    ["--sizes 2,1024", "only these numbers of elements"],
    ["--dtypes f32", "only these dtypes, of f32 and f64"],
    ["--peers", "also TensorFlow.js, jax-js and PyTorch, where they are installed"],
    ["--json", "one JSON document on stdout instead of tables"],
    ["--html FILE", "also a report with plots, in one file"],
    ["--help", "this text"],
  ];
  const more = [
    ["--targets", "everything that the library is held to, about five minutes"],
    ["--rules", "instead: every rule beside its floor, the time that its bytes or its divisions take"],
    ["--readme", "also the README's table, and docs/benchmark.json with the figures in it"],
  ];
  const shown = [...lines.slice(0, -1), ...(inRepository ? more : []), ...lines.slice(-1)];
  return `${call} [flags]

Times optimizer steps: the WebAssembly backend against its TypeScript twin, JavaScript written by hand, and C compiled
by gcc where gcc is present. All must give the same numbers before they are timed.

${shown.map(([flag, text]) => `  ${flag.padEnd(18)} ${text}`).join("\n")}`;
}

/** Reads the command line; throws an error with one sentence if it makes no sense. */
export function parseFlags(args: readonly string[], inRepository = true): Flags {
  const flag = { type: "boolean", default: false } as const;
  const { values } = parseArgs({
    args: [...args],
    options: {
      help: flag,
      json: flag,
      quick: flag,
      all: flag,
      peers: flag,
      targets: flag,
      rules: flag,
      readme: flag,
      html: { type: "string" },
      only: { type: "string" },
      sizes: { type: "string" },
      dtypes: { type: "string" },
    },
  });
  const { only, sizes, dtypes, ...rest } = values;
  const wrong = inRepository ? undefined : ofRepository.find((name) => rest[name]);
  if (wrong) throw new RangeError(`--${wrong} works in a clone of the repository only`);
  if (rest.readme && (only ?? sizes ?? dtypes) !== undefined) {
    throw new RangeError("--readme takes no --only, --sizes or --dtypes: its table has its own");
  }
  const beside = ofMeasuring.find((name) => rest.rules && rest[name]);
  if (beside) throw new RangeError(`--rules measures something else, --${beside} does not go with it`);
  if (rest.html === "") throw new RangeError("--html: expected the name of a file");
  const usual = defaults(rest);
  return {
    ...rest,
    labels: only === undefined ? usual.labels : list(only).flatMap(readRule),
    sizes: sizes === undefined ? usual.sizes : list(sizes).map(readSize),
    dtypes: dtypes === undefined ? usual.dtypes : list(dtypes).map(readDtype),
  };
}

/** What is measured unless it is said. */
function defaults({
  quick,
  all,
  peers,
  targets,
  rules,
  readme,
}: Partial<Flags>): Pick<Flags, "labels" | "sizes" | "dtypes"> {
  const every = cases.map(({ label }) => label);
  const both: readonly Dtype[] = ["f32", "f64"];
  if (rules) return { labels: every, sizes: ruleSizes, dtypes: both };
  if (all) return { labels: every, sizes: allSizes, dtypes: both };
  if (readme) return { labels: targetLabels, sizes: [readmeSize], dtypes: ["f32"] };
  const sizes = targets ? [...targetSizes, ...largeSizes] : quick ? targetSizes : peers ? peerSizes : allSizes;
  return { labels: targetLabels, sizes, dtypes: ["f32"] };
}

function list(text: string): string[] {
  return [...new Set(text.split(",").map((word) => word.trim()))];
}

function readRule(name: string): string[] {
  const found = casesNamed([name]);
  if (found.length > 0) return found.map((c) => c.label);
  throw new RangeError(`--only: expected one of ${cases.map((c) => c.label).join(", ")}, got "${name}"`);
}

/** The most elements whose parameters, gradients and state a memory has room for in float64, for every rule that is measured. */
const LARGEST = 2 ** 26;

function readSize(text: string): number {
  const n = Number(text);
  if (text !== "" && Number.isSafeInteger(n) && n > 0 && n <= LARGEST) return n;
  throw new RangeError(`--sizes: expected whole numbers in [1, ${LARGEST}], got "${text}"`);
}

function readDtype(name: string): Dtype {
  if (name in arrays) return name as Dtype;
  throw new RangeError(`--dtypes: expected f32 or f64, got "${name}"`);
}
