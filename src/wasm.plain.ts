// Stands in for wasm.ts in gradstep/js.

export function openWasm(): never {
  throw new Error('gradstep/js has only the backend "js"');
}

export function useModule(): never {
  throw new Error("useModule: gradstep/js takes no module; import it from gradstep");
}
