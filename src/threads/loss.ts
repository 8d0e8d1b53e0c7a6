/** What was lost, because workers ended in the middle of it: parameters, until a state dict has them again. */
export class Loss {
  #lost: { readonly names: readonly string[]; over: boolean } | undefined;

  /** Throws if there are such parameters; for a load, if it has to wait for the workers to have ended. */
  check(who: string): void {
    if (!this.#lost) return;
    const { names, over } = this.#lost;
    if (who !== "loadStateDict") throw new Error(`${who}: ${lostMessage(names)}`);
    if (!over) {
      throw new Error(`${who}: the worker that was cut off has not ended yet, await a turn of the event loop first`);
    }
  }

  /** Takes note that parameters were loaded. */
  replace(params: object): void {
    const names = this.#lost?.names.filter((name) => !Object.hasOwn(params, name)) ?? [];
    this.#lost = names.length > 0 ? { names, over: true } : undefined;
  }

  /** Takes note of parameters that are lost, and throws; their workers will have `ended`. */
  note(names: readonly string[], ended: Promise<unknown>): never {
    const lost = { names, over: false };
    this.#lost = lost;
    ended.then(() => {
      lost.over = true;
    });
    throw new Error(`step: ${lostMessage(names)}`);
  }
}

function lostMessage(names: readonly string[]): string {
  const quoted = names.map((name) => `"${name}"`).join(", ");
  return `a worker ended in the middle of ${quoted}, load a state dict to go on`;
}
