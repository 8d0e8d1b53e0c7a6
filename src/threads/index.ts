// Importing this gives optimizers the option `threads`.
import { useThreads } from "../index.js";
import { openPool, openThreads } from "./backend.js";

useThreads(openThreads);

/**
 * Has workers run the file at `url` instead of text, for pages whose Content Security Policy forbids `blob:` workers: serve
 * `gradstep/threads/worker.js` and say where. Before the first step with threads.
 */
export function useWorker(url: string | { readonly href: string }): void {
  const pool = openPool();
  if (pool) pool.url = typeof url === "string" ? url : url.href;
}

/** Starts that many workers, one less than there are threads; resolves once they are there, or after ten seconds, to how many are. */
export async function startWorkers(workers: number): Promise<number> {
  return (await openPool()?.start(workers)) ?? 0;
}
