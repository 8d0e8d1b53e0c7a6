import * as Plot from "@observablehq/plot";
import { Resvg } from "@resvg/resvg-js";
import { JSDOM } from "jsdom";
import { makeOrbit, orbit, samples } from "./data.js";
import { lossAndGradient } from "./model.js";
import { seeds } from "./study.js";
import { contourLine, faint, ink, light, lossLevels, lossShades, paper } from "./theme.js";
import { start } from "./train.js";

/** What the plotting library draws with outside of a browser. */
const { document } = new JSDOM("").window;

/** The part of the weights' plane that is shown, in astronomical units. */
export const shown = { A: [0, 1.5], B: [1, 1.9] } as const;

export interface Frame {
  readonly width: number;
  readonly height: number;
  readonly marginTop: number;
  readonly marginRight: number;
  readonly marginBottom: number;
  readonly marginLeft: number;
}

/** A plot without its outer element, to be put into a picture. */
export function draw(frame: Frame, options: Plot.PlotOptions): string {
  const svg = Plot.plot({ ...frame, ...options, document });
  svg.querySelector("style")?.remove();
  return svg.innerHTML;
}

/** A picture as a text, with the coordinates of its paths to a tenth of a pixel. */
export function picture({ width, height }: { width: number; height: number }, content: string): string {
  const text =
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" ` +
    `font-family="Helvetica, Arial, Liberation Sans, DejaVu Sans, sans-serif" font-size="12" text-anchor="middle" ` +
    `fill="${ink[light]}" color="${ink[light]}">${content}</svg>`;
  return text.replace(/ d="[^"]+"/g, (path) => path.replace(/(\d\.\d)\d+/g, "$1"));
}

/** The loss of the first seed's data over the weights' plane, with the truth, the start, and the reach of the mask. */
export function drawLoss(frame: Frame, large: boolean): string {
  const [columns, rows] = [150, 100];
  const marks = [
    Plot.contour(lossSurface(columns, rows), {
      width: columns,
      height: rows,
      x1: shown.A[0],
      x2: shown.A[1],
      y1: shown.B[0],
      y2: shown.B[1],
      value: Plot.identity,
      fill: "value",
      stroke: contourLine[light],
      strokeWidth: 0.4,
      thresholds: lossLevels.map(Math.log),
    } as Plot.ContourOptions),
    ...(large ? notes() : []),
    Plot.dot([start], { r: 3.5, fill: paper[light], stroke: ink[light], strokeWidth: 1.5 }),
    Plot.dot([[orbit.A, orbit.B]], { symbol: "times", r: large ? 9 : 5, stroke: ink[light], strokeWidth: 2 }),
  ];
  return draw(frame, {
    x: { domain: [...shown.A], label: "A (AU)", labelAnchor: "center", ticks: [0, 0.5, 1, 1.5], labelArrow: "none" },
    y: { domain: [...shown.B], label: "B (AU)", labelAnchor: "center", ticks: [1, 1.3, 1.6, 1.9], labelArrow: "none" },
    color: { type: "threshold", domain: lossLevels.map(Math.log), range: lossShades.map((shades) => shades[light]) },
    marks,
  });
}

/** Names for start and truth, and how many samples lie inside of the model's ellipse for some A. */
function notes(): Plot.Markish[] {
  const marked = [0.25, 0.5, 0.75, 1].map((share) => ({ A: share * orbit.A, count: `${Math.round(share * samples)}` }));
  const above = { y: shown.B[1], dy: -8, fill: faint[light] };
  return [
    Plot.ruleX(marked, { x: "A", stroke: faint[light], strokeWidth: 0.8, strokeDasharray: "2 3" }),
    Plot.text(marked, { x: "A", text: "count", ...above }),
    Plot.text(["samples:"], { x: shown.A[0], textAnchor: "start", ...above }),
    Plot.text(["start"], { x: start[0], y: start[1], dy: -14 }),
    Plot.text(["truth"], { x: orbit.A, y: orbit.B, dx: 12, dy: 18, textAnchor: "start" }),
  ];
}

/** The colours of the loss in a bar, with some of the levels between them. */
export function lossBar(left: number, top: number, width: number): string {
  const step = width / lossShades.length;
  const swatches = lossShades.map(
    (shades, index) =>
      `<rect x="${left + index * step}" y="${top}" width="${step}" height="10" fill="${shades[light]}" ` +
      `stroke="${contourLine[light]}" stroke-width="0.4"/>`,
  );
  const levels = lossLevels.map((level, index) =>
    index % 3 === 0 ? `<text x="${left + (index + 1) * step}" y="${top + 24}">${level}</text>` : "",
  );
  return [...swatches, ...levels].join("");
}

/**
 * Natural logarithms of the loss, row by row from the least B. The loss jumps where a sample passes the edge of the mask, every
 * 0.005 AU: a cell shows the mean over 0.02 AU.
 */
function lossSurface(columns: number, rows: number): Float64Array {
  const dataset = makeOrbit(seeds[0]);
  const every = Uint32Array.from({ length: samples }, (_, index) => index);
  const values = new Float64Array(columns * rows);
  for (let row = 0; row < rows; row++) {
    const B = shown.B[0] + ((row + 0.5) / rows) * (shown.B[1] - shown.B[0]);
    for (let column = 0; column < columns; column++) {
      const A = shown.A[0] + ((column + 0.5) / columns) * (shown.A[1] - shown.A[0]);
      const near = [-0.0075, -0.0025, 0.0025, 0.0075].map(
        (shift) => lossAndGradient(dataset, every, [A + shift, B]).loss,
      );
      values[row * columns + column] = Math.log((near[0] + near[1] + near[2] + near[3]) / 4);
    }
  }
  return values;
}

/** A PNG of twice the size, on white. */
export function toPng(svg: string): Buffer {
  return new Resvg(svg, { background: paper[light], fitTo: { mode: "zoom", value: 2 } }).render().asPng();
}
