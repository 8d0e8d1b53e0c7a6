// Pictures are drawn in the light colours; the report turns every colour into a variable, so that it can be dark as well.

/** Light and dark. */
export type Shades = readonly [light: string, dark: string];

/** From low loss to high: away from the background. One more than there are levels. */
export const lossShades: readonly Shades[] = [
  ["#fdfdfe", "#14181d"],
  ["#f4f7f9", "#181d23"],
  ["#ebf0f4", "#1d242b"],
  ["#e2e9ef", "#232b34"],
  ["#d9e2ea", "#29333d"],
  ["#d0dbe5", "#303b47"],
  ["#c6d4e0", "#374451"],
  ["#bccddb", "#3e4d5c"],
  ["#b2c5d6", "#465768"],
  ["#a7bdd1", "#4f6174"],
  ["#9cb5cb", "#586c81"],
];

/** Loss levels between the shades, about evenly spaced in logarithm. */
export const lossLevels = [0.0105, 0.0125, 0.016, 0.025, 0.04, 0.063, 0.1, 0.16, 0.25, 0.5];

export const ink: Shades = ["#1b1f24", "#e6e9ed"];
export const faint: Shades = ["#5c6670", "#a3adb8"];
export const contourLine: Shades = ["#8397a9", "#61758a"];
export const paper: Shades = ["#ffffff", "#0f1216"];

/**
 * One colour for each run: after Paul Tol's "muted" scheme for all kinds of colour vision (personal.sron.nl/~pault), with two
 * more. Eleven are too many to tell by colour alone: the pictures number the runs as well.
 */
export const runShades: readonly Shades[] = [
  ["#1f1f1f", "#f2f2f2"],
  ["#0072b2", "#56b4e9"],
  ["#d55e00", "#ff8f4a"],
  ["#117733", "#4fc27a"],
  ["#882255", "#e07ab0"],
  ["#332288", "#a79bff"],
  ["#cc3355", "#ff7f99"],
  ["#2a8c82", "#5fd0c4"],
  ["#7a6a00", "#d6c64a"],
  ["#aa4499", "#e58bd8"],
  ["#7a4a21", "#d3a06f"],
];

export const [light, dark] = [0, 1] as const;

/** Every colour of the pictures. */
export const allShades: readonly Shades[] = [...lossShades, ink, faint, contourLine, paper, ...runShades];
