import { source } from "../generated/worker.js";
import type { Letter } from "./worker.js";

/** A worker, whatever the runtime. */
export interface Hand {
  post(letter: Letter): void;
  /** Ends it; nothing is known to have ended before `ended` says so. */
  end(): void;
  readonly ended: Promise<void>;
}

/** A worker of Node, and of Deno and Bun, which have it too. */
interface NodeWorker {
  on(event: string, listener: () => void): void;
  postMessage(letter: Letter): void;
  terminate(): void;
  unref(): void;
}

interface NodeThreads {
  readonly Worker: new (code: string | URL, options: object) => NodeWorker;
}

interface Runtime {
  readonly process?: { getBuiltinModule?(name: string): unknown };
  readonly Worker?: typeof Worker;
}

/** Starts a worker, from the code in the bundle or from a file at `url`; throws if this runtime has none, or forbids it. */
export function spawn(url: string | undefined): Hand {
  const { process, Worker } = globalThis as unknown as Runtime;
  const node = process?.getBuiltinModule?.("node:worker_threads") as NodeThreads | undefined;
  if (node) return spawnInNode(node, url);
  if (Worker) return spawnOnWeb(Worker, url);
  throw new Error("this runtime has no workers");
}

function spawnInNode({ Worker }: NodeThreads, url: string | undefined): Hand {
  const settings = { execArgv: [], env: {} };
  const worker =
    url === undefined ? new Worker(source, { eval: true, ...settings }) : new Worker(new URL(url), settings);
  const ended = new Promise<void>((resolve) => worker.on("exit", resolve));
  // an error is followed by the exit
  worker.on("error", () => {});
  worker.unref();
  return { post: (letter) => worker.postMessage(letter), end: () => worker.terminate(), ended };
}

function spawnOnWeb(Web: typeof Worker, url: string | undefined): Hand {
  const worker = new Web(url ?? codeUrl(), { type: "module", name: "gradstep" });
  let over = () => {};
  const ended = new Promise<void>((resolve) => {
    over = resolve;
  });
  const end = () => {
    worker.terminate();
    // a page is not told when a worker has ended: no engine lets one run on for this long
    setTimeout(over, SETTLED);
  };
  worker.onerror = end;
  return { post: (letter) => worker.postMessage(letter), end, ended };
}

const SETTLED = 1000;

let blob: string | undefined;

function codeUrl(): string {
  if (typeof URL.createObjectURL !== "function") return `data:text/javascript,${encodeURIComponent(source)}`;
  blob ??= URL.createObjectURL(new Blob([source], { type: "text/javascript" }));
  return blob;
}
