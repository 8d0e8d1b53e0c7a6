// Stands in for wasm.ts in gradstep/js.

export function openWasm(): never {
  throw new Error('gradstep/js has only the backend "js"');
}

export function openForeign(who: string): never {
  throw new TypeError(`${who}: gradstep/js has no option memory; import ${who} from gradstep`);
}

export function useModule(): never {
  throw new Error("useModule: gradstep/js takes no module; import it from gradstep");
}
