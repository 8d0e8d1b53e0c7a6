import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { closeEnough } from "./agree.js";
import { type Case, create, hyperparameters } from "./cases.js";
import type { Contender } from "./contenders.js";
import { fill } from "./data.js";
import type { Reals } from "./hand.js";

/** Another library, in a process of its own, where it cannot change how fast this one's code runs. */
export interface Peer {
  readonly name: string;
  readonly version: string;
  /** The labels of the cases that it has. */
  readonly rules: ReadonlySet<string>;
  /** Throws unless its float32 steps give the library's numbers. */
  check(c: Case): Promise<void>;
  /** Ready for steps of n elements; there is one at a time. */
  contender(c: Case, n: number): Promise<Contender>;
  close(): void;
}

/** What became of a peer: its version, or why it is not measured. */
export interface PeerNote {
  name: string;
  version: string | null;
  trouble: string | null;
}

interface Known {
  name: string;
  /** Programs to try, each with its arguments. */
  commands: readonly (readonly string[])[];
  absent: string;
}

type Answer = { version?: string; rules?: string[]; error?: string; ns?: number };

const length = 1003;
const steps = 3;

// in float32, 1 - beta2 has an error of 1e-5 where a peer computes it so
const tolerance = 1e-4;

/** All that are known; `folder` is where those of JavaScript are installed. */
export function knownPeers(folder: string, install: string): readonly Known[] {
  const file = (name: string) => fileURLToPath(new URL(`./peers/${name}`, import.meta.url));
  const javascript = (name: string, library: string, backend: string): Known => {
    return { name, commands: [[process.execPath, file("worker.js"), library, backend, folder]], absent: install };
  };
  const torch = (name: string, mode: string, absent: string): Known => {
    const pythons = ["python3", "/usr/bin/python3", "python"];
    return { name, commands: pythons.map((python) => [python, file("torch.py"), mode]), absent };
  };
  return [
    javascript("tfjs cpu", "tfjs", "cpu"),
    javascript("tfjs wasm", "tfjs", "wasm"),
    javascript("jax-js", "jax", "wasm"),
    torch("torch", "default", "no Python with torch is found"),
    torch("torch fused", "fused", "no Python with a torch that has fused optimizers for the processor is found"),
  ];
}

/** Starts the peers that are there; the notes name all. */
export async function openPeers(known: readonly Known[]): Promise<{ peers: Peer[]; notes: PeerNote[] }> {
  const folder = mkdtempSync(join(tmpdir(), "gradstep-peers-"));
  process.once("exit", () => rmSync(folder, { recursive: true, force: true }));
  const peers: Peer[] = [];
  const notes: PeerNote[] = [];
  for (const { name, commands, absent } of known) {
    const peer = await firstThat(commands, (command) => open(name, command, folder));
    if (peer) peers.push(peer);
    notes.push({ name, version: peer?.version ?? null, trouble: peer ? null : absent });
  }
  return { peers, notes };
}

async function firstThat<A, B>(list: readonly A[], make: (each: A) => Promise<B | undefined>): Promise<B | undefined> {
  for (const each of list) {
    const made = await make(each);
    if (made) return made;
  }
  return undefined;
}

async function open(name: string, [program, ...args]: readonly string[], folder: string): Promise<Peer | undefined> {
  const child = spawn(program, args, { stdio: ["pipe", "pipe", "ignore"] });
  // a program that is not there, or that ends while it is spoken to, closes its output
  child.on("error", () => {});
  child.stdin.on("error", () => {});
  const talk = conversation(name, child);
  const hello = await talk.answer().catch(() => undefined);
  if (!hello?.version) return undefined;
  const setUp = async (c: Case, n: number) => {
    const data = dataFile(folder, n);
    await talk.ask({ rule: c.label, options: hyperparameters(c), n, data });
  };
  return {
    name,
    version: hello.version,
    rules: new Set(hello.rules),
    async check(c) {
      const out = join(folder, `${name}.out`);
      await setUp(c, length);
      await talk.ask({ steps, out });
      const bytes = readFileSync(out);
      const got = new Float32Array(bytes.buffer, bytes.byteOffset, length);
      const { start, end } = expected(c);
      closeEnough(`${name} ${c.label}`, "f32", end, got, start, tolerance);
    },
    async contender(c, n) {
      await setUp(c, n);
      return { name, turn: async (milliseconds) => (await talk.ask({ milliseconds })).ns as number, close: () => {} };
    },
    close: () => child.kill(),
  };
}

/** A question is a line, and so is its answer. */
function conversation(name: string, child: ChildProcess) {
  const lines = createInterface(child.stdout as NodeJS.ReadableStream)[Symbol.asyncIterator]();
  const answer = async (): Promise<Answer> => {
    const { value, done } = await lines.next();
    if (done) throw new Error(`${name}: its process has ended`);
    const read = JSON.parse(value) as Answer;
    if (read.error !== undefined) throw new Error(`${name}: ${read.error}`);
    return read;
  };
  const ask = (question: object): Promise<Answer> => {
    child.stdin?.write(`${JSON.stringify(question)}\n`);
    return answer();
  };
  return { ask, answer };
}

/** p and g as the library's own, in a file. */
function dataFile(folder: string, n: number): string {
  const both = new Float32Array(2 * n);
  fill(both.subarray(0, n), both.subarray(n));
  const path = join(folder, `${n}.f32`);
  writeFileSync(path, both);
  return path;
}

function expected(c: Case): { start: Reals; end: Reals } {
  const optimizer = create(c, "f32", "auto", { w: length });
  const { w } = optimizer.params;
  fill(w, optimizer.grads.w);
  const start = w.slice();
  for (let i = 0; i < steps; i++) optimizer.step();
  const end = w.slice();
  optimizer.dispose();
  return { start, end };
}
