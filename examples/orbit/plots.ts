import * as Plot from "@observablehq/plot";
import { makeOrbit, noise } from "./data.js";
import { draw, drawLoss, type Frame, lossBar, picture, shown } from "./picture.js";
import { lossCurve, type Study, type Summary, seeds } from "./study.js";
import { contourLine, faint, ink, light, paper, runShades } from "./theme.js";
import type { Path } from "./train.js";

/** A point of a path, and when it was reached. */
export interface Waypoint {
  readonly epoch: number;
  readonly A: number;
  readonly B: number;
}

/** The path with only as many points as a picture can show: each at least 0.004 AU from the one before. */
export function waypoints(path: Path): Waypoint[] {
  const last = path.epoch.length - 1;
  const kept: Waypoint[] = [];
  for (let i = 0; i <= last; i++) {
    const point = { epoch: path.epoch[i], A: Math.abs(path.A[i]), B: path.B[i] };
    const before = kept[kept.length - 1];
    if (!before || i === last || Math.hypot(point.A - before.A, point.B - before.B) > 0.004) kept.push(point);
  }
  return kept;
}

const panel: Frame = { width: 310, height: 240, marginTop: 30, marginRight: 12, marginBottom: 38, marginLeft: 52 };
const panelColumns = 4;

/** The paths of all runs over the loss, a panel for each optimizer: constant rate and falling rate. */
export function contourPicture({ constant, decayed }: Study): string {
  const panels = constant.map((summary, index) => {
    const paths = [pathLine(decayed[index], rateShades.falling, 3.4), pathLine(summary, rateShades.constant, 1.4)];
    const lines = draw(panel, {
      x: { domain: [...shown.A], axis: null },
      y: { domain: [...shown.B], axis: null },
      marks: paths,
    });
    return place(index, `<use href="#loss-surface"/>${lines}${title(summary.run.name)}`);
  });
  const rows = Math.ceil((constant.length + 1) / panelColumns);
  const size = { width: panelColumns * panel.width, height: rows * panel.height };
  return picture(
    size,
    `<defs><g id="loss-surface">${drawLoss(panel, false)}</g></defs>${panels.join("")}${place(constant.length, contourLegend())}`,
  );
}

const rateShades = { constant: runShades[2][light], falling: runShades[1][light] };

function pathLine({ outcome }: Summary, stroke: string, strokeWidth: number): Plot.Markish {
  return Plot.line(waypoints(outcome.path), { x: "A", y: "B", stroke, strokeWidth, clip: true });
}

function place(index: number, content: string): string {
  const x = (index % panelColumns) * panel.width;
  const y = Math.floor(index / panelColumns) * panel.height;
  return `<svg x="${x}" y="${y}" width="${panel.width}" height="${panel.height}" overflow="visible">${content}</svg>`;
}

function title(text: string): string {
  return `<text x="${panel.marginLeft}" y="20" font-size="13" font-weight="bold" text-anchor="start">${text}</text>`;
}

function contourLegend(): string {
  const [left, top] = [panel.marginLeft, panel.marginTop];
  const line = (y: number, stroke: string, width: number, text: string) =>
    `<path d="M${left},${y}h28" stroke="${stroke}" stroke-width="${width}"/>${label(left + 38, y + 4, text)}`;
  return [
    line(top + 6, rateShades.constant, 1.4, "constant learning rate"),
    line(top + 24, rateShades.falling, 3.4, "falling learning rate"),
    `<circle cx="${left + 14}" cy="${top + 42}" r="3.5" fill="${paper[light]}" stroke="${ink[light]}" stroke-width="1.5"/>`,
    label(left + 38, top + 46, "start (0.1, 1.8)"),
    `<path d="M${left + 10},${top + 56}l8,8m0,-8l-8,8" stroke="${ink[light]}" stroke-width="2"/>`,
    label(left + 38, top + 64, "truth (1.262, 1.234)"),
    label(left, top + 84, "loss (AU²)"),
    lossBar(left, top + 94, 220),
  ].join("");
}

function label(x: number, y: number, text: string, size = 12): string {
  return `<text x="${x}" y="${y}" font-size="${size}" text-anchor="start">${text}</text>`;
}

const curves: Frame = { width: 1000, height: 420, marginTop: 66, marginRight: 20, marginBottom: 45, marginLeft: 68 };
const dashes = ["none", "1 4", "7 3", "10 3 2 3"];

/** Loss against epochs for the four batch configurations. */
export function lossPicture({ constant, decayed }: Study): string {
  const dataset = makeOrbit(seeds[0]);
  const lines = [constant, decayed].flatMap((summaries, column) =>
    summaries.slice(0, dashes.length).map(({ outcome }, index) =>
      Plot.line(
        lossCurve(dataset, outcome.path).map((point) => ({ ...point, rate: rates[column] })),
        {
          x: "epoch",
          y: "loss",
          fx: "rate",
          stroke: runShades[index][light],
          strokeWidth: 2,
          strokeDasharray: dashes[index],
        },
      ),
    ),
  );
  const plot = draw(curves, {
    fx: { domain: rates, label: null },
    x: {
      type: "sqrt",
      domain: [0, 300],
      label: "epochs (square-root scale)",
      labelAnchor: "center",
      labelArrow: "none",
      ticks: [0, 1, 5, 20, 50, 100, 200, 300],
    },
    y: {
      type: "log",
      domain: [0.009, 0.25],
      label: "loss (AU², log scale)",
      labelAnchor: "center",
      labelArrow: "none",
      ticks: [0.01, 0.02, 0.05, 0.1, 0.2],
      tickFormat: String,
    },
    marks: [
      Plot.frame({ stroke: contourLine[light] }),
      Plot.ruleY([noise ** 2], { stroke: faint[light], strokeDasharray: "2 3" }),
      Plot.text([rates[1]], {
        x: 300,
        y: noise ** 2,
        fx: (rate) => rate,
        text: () => "variance of the noise",
        ...above,
      }),
      ...lines,
    ],
  });
  const legend = constant.slice(0, dashes.length).map(({ run }, index) => {
    const x = curves.marginLeft + index * 200;
    const stroke = `stroke="${runShades[index][light]}" stroke-width="2" stroke-dasharray="${dashes[index]}"`;
    return `<path d="M${x},20h36" ${stroke}/>${label(x + 44, 24, run.name)}`;
  });
  return picture(curves, plot + legend.join(""));
}

const above = { dy: -8, dx: -4, textAnchor: "end", fill: faint[light] } as const;
const rates = ["constant learning rate", "falling learning rate"];
