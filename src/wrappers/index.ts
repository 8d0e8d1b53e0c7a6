export { GradientCentralization } from "./centralization.js";
export { GrokfastEMA, type GrokfastEMAOptions } from "./grokfastema.js";
export { GrokfastMA, type GrokfastMAOptions } from "./grokfastma.js";
export { Lookahead, type LookaheadOptions } from "./lookahead.js";
