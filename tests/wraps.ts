// The wrappers that their tests run over, each with the options that they are made with.
// the build, where the classes of the tables are
import * as gradstep from "../dist/index.js";
import { make, type Subject } from "./helpers.js";

const { GradientCentralization, GrokfastEMA, GrokfastMA, Lookahead } = gradstep;

export type Wrap = (optimizer: unknown) => Subject;
export const around =
  (wrapper: unknown, options: object = {}): Wrap =>
  (optimizer) =>
    make(wrapper, optimizer, options);

const wraps: Record<string, Wrap> = {
  Lookahead: around(Lookahead, { k: 3 }),
  "Lookahead, whose optimizer starts anew": around(Lookahead, { k: 2, alpha: 0.8, resetState: true }),
  GrokfastEMA: around(GrokfastEMA, { alpha: 0.5 }),
  GrokfastMA: around(GrokfastMA, { windowSize: 4 }),
  "GrokfastMA, with sums and without warmup": around(GrokfastMA, { windowSize: 3, filterType: "sum", warmup: false }),
  GradientCentralization: around(GradientCentralization),
  "all of them": (optimizer) =>
    around(Lookahead, { k: 2, resetState: true })(
      around(GrokfastEMA)(around(GrokfastMA, { windowSize: 2 })(around(GradientCentralization)(optimizer))),
    ),
};
export const table = Object.entries(wraps);
