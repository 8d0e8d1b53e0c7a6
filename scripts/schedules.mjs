// Draws the calls in the tables of docs/schedules.md, a panel for each row, into docs/schedules.svg.
import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import * as Plot from "@observablehq/plot";
import { JSDOM } from "jsdom";
import * as gradstep from "../dist/index.js";

const file = fileURLToPath(new URL("../docs/schedules.svg", import.meta.url));
const page = readFileSync(new URL("../docs/schedules.md", import.meta.url), "utf8");
const steps = 100;
const columns = 5;
const panel = { width: 208, height: 130, marginTop: 26, marginRight: 20, marginBottom: 22, marginLeft: 36 };
// black, blue, orange, green: for all kinds of colour vision
const strokes = ["#1f1f1f", "#0072b2", "#d55e00", "#117733"];
const ink = "#1b1f24";
const faint = "#5c6670";

const { document } = new JSDOM("").window;
const rows = [...page.matchAll(/^\| (`\w+\(.*?`) \| /gm)].map(([, cell]) =>
  cell.split("<br>").map((code) => code.slice(1, -1)),
);
const panels = rows.map((calls, index) => {
  const x = (index % columns) * panel.width;
  const y = Math.floor(index / columns) * panel.height;
  const title = `<text x="${panel.marginLeft}" y="16" font-weight="bold" text-anchor="start">${nameOf(calls[0])}</text>`;
  return `<g transform="translate(${x},${y})">${title}${draw(calls.map(valuesOf))}</g>`;
});
const width = columns * panel.width;
const height = Math.ceil(panels.length / columns) * panel.height;
const text =
  `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" ` +
  `font-family="Helvetica, Arial, Liberation Sans, DejaVu Sans, sans-serif" font-size="11" text-anchor="middle" fill="${ink}" color="${faint}">` +
  `<title>Every schedule over ${steps} steps</title><rect width="${width}" height="${height}" fill="#ffffff"/>${panels.join("\n")}</svg>\n`;
const picture = text.replace(/ d="[^"]+"/g, (path) => path.replace(/(\d\.\d)\d+/g, "$1"));

if (!process.argv.includes("--check")) writeFileSync(file, picture);
else if (readFileSync(file, "utf8") !== picture)
  throw new Error("docs/schedules.svg is not of its page: npm run schedules");

function nameOf(call) {
  return call.slice(0, call.indexOf("("));
}

/** The values of a schedule; one on a plateau is told the same metric at every step. */
function valuesOf(call) {
  const schedule = new Function(...Object.keys(gradstep), `return ${call}`)(...Object.values(gradstep));
  return Array.from({ length: steps + 1 }, (_, step) => {
    schedule.update?.(1);
    return { step, value: schedule(step) };
  });
}

function draw(curves) {
  const values = curves.flat().map(({ value }) => value);
  const top = Math.max(...values);
  // momentum stays near 1: it is shown from its lowest value on
  const bottom = Math.min(...values) > 0.5 * top && Math.min(...values) < top ? Math.min(...values) : 0;
  const svg = Plot.plot({
    ...panel,
    document,
    x: { domain: [0, steps], ticks: [0, 50, 100], tickSize: 3, label: null },
    y: {
      domain: [bottom, top],
      ticks: [bottom, top],
      tickSize: 3,
      label: null,
      tickFormat: (value) => `${+value.toFixed(2)}`,
    },
    marks: curves.map((curve, i) => Plot.line(curve, { x: "step", y: "value", stroke: strokes[i], strokeWidth: 1.5 })),
  });
  svg.querySelector("style")?.remove();
  return svg.innerHTML;
}
