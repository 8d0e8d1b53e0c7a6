// What a worker runs, as text in a bundle or as a file: it waits for jobs and works on them, and goes back to its event loop only
// to take in letters, which tell of desks.
import { CALLS, DESK, type Desk, MAIL, openDesk, type Plan, SLEEPERS, SLOT_WORDS, THREADS } from "./desk.js";
import { work } from "./work.js";

/** What the pool writes to a worker: who it is, a new desk, or one that is no more. */
export type Letter =
  | { readonly pool: Int32Array; readonly slot: number; readonly spin: number }
  | { readonly id: number; readonly plan: Plan }
  | { readonly gone: number };

interface Port {
  on?(event: "message", listener: (letter: Letter) => void): void;
  onmessage?: ((event: { readonly data: Letter }) => void) | null;
}

const desks = new Map<number, Desk>();
let pool: Int32Array = new Int32Array(0);
let slot = 0;
let spin = 0;
let taken = 0;

listen((letter) => {
  if ("pool" in letter) {
    ({ pool, slot, spin } = letter);
    Atomics.store(pool, MAIL + SLOT_WORDS * slot + 2, 1);
  } else if ("plan" in letter) desks.set(letter.id, openDesk(letter.plan));
  else desks.delete(letter.gone);
  taken++;
  serve();
});

/** Works on what is called for, until there are letters to take in. */
function serve(): void {
  const own = MAIL + SLOT_WORDS * slot;
  for (;;) {
    const calls = Atomics.load(pool, CALLS);
    if (Atomics.load(pool, own) > taken || Atomics.load(pool, own + 1) !== 0) return;
    const desk = desks.get(Atomics.load(pool, DESK));
    if (desk && slot + 1 < Atomics.load(desk.control, THREADS)) work(desk, slot + 1);
    if (!spinUntilCalled(calls)) {
      Atomics.add(pool, SLEEPERS, 1);
      Atomics.wait(pool, CALLS, calls);
      Atomics.sub(pool, SLEEPERS, 1);
    }
  }
}

/** Whether there was a call soon. */
function spinUntilCalled(calls: number): boolean {
  const end = performance.now() + spin;
  do {
    for (let i = 0; i < 200; i++) if (Atomics.load(pool, CALLS) !== calls) return true;
  } while (performance.now() < end);
  return false;
}

function listen(take: (letter: Letter) => void): void {
  const { process } = globalThis as { process?: { getBuiltinModule?(name: string): unknown } };
  const threads = process?.getBuiltinModule?.("node:worker_threads") as { parentPort: Port | null } | undefined;
  const port = threads?.parentPort;
  if (port?.on) port.on("message", take);
  else (globalThis as Port).onmessage = ({ data }) => take(data);
}
