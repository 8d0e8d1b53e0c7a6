import { readFileSync } from "node:fs";
import { type MnistPair, mnistHeading, mnistRemark, mnistRows } from "../mnist/results.js";
import { drawLoss, type Frame, lossBar, picture, shown } from "./picture.js";
import { waypoints } from "./plots.js";
import { heading, introduction, remark, row, warning } from "./results.js";
import type { Study, Summary } from "./study.js";
import { allShades, contourLine, faint, ink, paper, runShades, type Shades } from "./theme.js";

/** One HTML file that needs nothing else: the animation, the tables, the pictures. */
export function report(study: Study, mnist: MnistPair, pictures: { contours: string; losses: string }): string {
  const { constant, decayed, careless } = study;
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>From Earth to Mars: eleven optimizers on one orbit</title>
<style>
${variables()}
${beside("report.css")}</style>
</head>
<body>
<h1>From Earth to Mars: eleven optimizers on one orbit</h1>
<p>${paragraphs(introduction())}</p>
${player(study)}
<p>The loss is the mean over the samples inside of the model’s ellipse. For a small A these are few, all near the middle: the
numbers above the picture say how many, and the same colour means less on the left than on the right. Every 0.005 AU a pair of
samples joins in, with a slope that knows no bound: that is what the kinks in some paths are. (The colours show the loss
smoothed over 0.02 AU.)</p>
<h2>Where they end</h2>
${htmlTable(heading, [...constant, ...decayed].map(row))}
<p>${remark}</p>
<p>${warning(careless)}</p>
<h2>The paths one by one</h2>
${themedFigure(pictures.contours, "Contours of the loss with the path of each optimizer")}
<h2>Batch sizes</h2>
${themedFigure(pictures.losses, "Loss against epochs for four batch configurations")}
<h2>MNIST digits</h2>
<p>A 784-128-10 network with hand-written backpropagation, trained by AdamW; the time in <code>step()</code> is gradstep’s.</p>
${htmlTable(mnistHeading, mnistRows(mnist))}
<p>${mnistRemark(mnist)}</p>
<script type="application/json" id="paths-data">${pathsData(study)}</script>
<script type="module">
${beside("player.js")}</script>
</body>
</html>
`;
}

const map: Frame = { width: 580, height: 440, marginTop: 26, marginRight: 12, marginBottom: 40, marginLeft: 50 };

function player({ constant }: Study): string {
  const size = { width: map.width, height: map.height + 44 };
  const bar = `${lossBar(200, map.height + 14, 360)}<text x="50" y="${map.height + 23}" text-anchor="start">loss (AU²)</text>`;
  const svg = picture(size, `${drawLoss(map, true)}${bar}<g id="paths"></g><g id="badges"></g>`).replace(
    "<svg ",
    '<svg role="img" aria-label="The loss over A and B, with a path for each optimizer from the start to the truth" ',
  );
  const items = constant.map(
    ({ run }, index) =>
      `<li><button type="button" aria-pressed="true"><span class="number" style="background: var(--run-${index})">` +
      `${index + 1}</span><span>${run.name}</span><span class="place"></span></button></li>`,
  );
  return `<figure class="player">
<div>
${themed(svg)}
<div class="controls">
<button type="button" id="play">Play</button>
<button type="button" id="restart">Restart</button>
<input type="range" id="clock" min="0" max="1" step="any" value="0" aria-label="Time">
<output id="moment"></output>
</div>
</div>
<div>
<fieldset><legend>Learning rate</legend>
<label><input type="radio" name="rate" value="constant" checked> constant</label>
<label><input type="radio" name="rate" value="falling"> falling</label>
</fieldset>
<ul class="legend">${items.join("\n")}</ul>
</div>
<figcaption>The clock counts epochs, faster and faster; between two steps a run is drawn on its way, and one that has ended stays
where it is. Beside each name: A and B in AU. Press a name to hide or show its path. The colours of the loss go in even steps of
its logarithm.</figcaption>
</figure>`;
}

/** Paths as [epoch, A, B], and where the picture puts them. */
function pathsData({ constant, decayed }: Study): string {
  const path = ({ outcome }: Summary) =>
    waypoints(outcome.path).map(({ epoch, A, B }) => [epoch, A, B].map((value) => Number(value.toFixed(4))));
  const runs = constant.map((summary, index) => ({ constant: path(summary), falling: path(decayed[index]) }));
  const ends = runs.flatMap((run) => [run.constant, run.falling]).map((points) => points[points.length - 1][0]);
  const scale = {
    x0: map.marginLeft,
    y0: map.height - map.marginBottom,
    A0: shown.A[0],
    B0: shown.B[0],
    perA: (map.width - map.marginLeft - map.marginRight) / (shown.A[1] - shown.A[0]),
    perB: (map.height - map.marginTop - map.marginBottom) / (shown.B[1] - shown.B[0]),
  };
  return JSON.stringify({ runs, scale, lastEpoch: Math.max(...ends) });
}

function htmlTable(titles: readonly string[], rows: readonly (readonly string[])[]): string {
  const cells = (tag: string, row: readonly string[]) => row.map((cell) => `<${tag}>${cell}</${tag}>`).join("");
  const body = rows.map((row) => `<tr>${cells("td", row)}</tr>`).join("\n");
  return `<div class="scroll" tabindex="0"><table><thead><tr>${cells("th", titles)}</tr></thead><tbody>${body}</tbody></table></div>`;
}

function themedFigure(svg: string, label: string): string {
  const named = svg.replace("<svg ", `<svg role="img" aria-label="${label}" `);
  return `<figure><div class="scroll" tabindex="0">${themed(named)}</div></figure>`;
}

/** Turns the colours of a picture into variables. */
function themed(svg: string): string {
  const names = new Map(allShades.map((shades, index) => [shades[0], `var(--shade-${index})`]));
  return svg.replace(/#[0-9a-f]{6}/g, (color) => names.get(color) ?? color);
}

/** The variables: one for each colour, light or dark. */
function variables(): string {
  const named: [string, Shades][] = [
    ...allShades.map((shades, index): [string, Shades] => [`shade-${index}`, shades]),
    ...runShades.map((shades, index): [string, Shades] => [`run-${index}`, shades]),
    ["ink", ink],
    ["faint", faint],
    ["line", contourLine],
    ["paper", paper],
    ["focus", runShades[1]],
  ];
  const list = (shade: 0 | 1) => named.map(([name, shades]) => `--${name}: ${shades[shade]};`).join(" ");
  return `:root { ${list(0)} }\n@media (prefers-color-scheme: dark) { :root { ${list(1)} } }`;
}

function paragraphs(text: string): string {
  return text.replaceAll("\n", "</p>\n<p>");
}

function beside(name: string): string {
  return readFileSync(new URL(name, import.meta.url), "utf8");
}
