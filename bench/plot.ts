/** A line of a plot. */
export interface Series {
  name: string;
  points: readonly (readonly [x: number, y: number])[];
  /** Drawn in dashes: what cannot be passed. */
  isLimit?: boolean;
}

export interface Plot {
  id: string;
  title: string;
  description: string;
  x: string;
  y: string;
  series: readonly Series[];
}

const [width, height] = [560, 340];
const [left, right, top, bottom] = [58, 86, 16, 44];
const lineHeight = 14;

/** Both axes are logarithmic. Colours are left to the page: the class of a series is `series-` and its place in the list. */
export function plot({ id, title, description, x, y, series }: Plot): string {
  const all = series.flatMap(({ points }) => points);
  const across = scale(
    all.map(([x]) => x),
    left,
    width - right,
  );
  const up = scale(
    all.map(([, y]) => y),
    height - bottom,
    top,
  );
  const grid = [
    ...across.ticks.map((tick) => {
      const at = round(across.at(tick));
      return `<path class="grid" d="M${at} ${top}V${height - bottom}"/><text x="${at}" y="${height - bottom + 17}" text-anchor="middle">${short(tick)}</text>`;
    }),
    ...up.ticks.map((tick) => {
      const at = round(up.at(tick));
      return `<path class="grid" d="M${left} ${at}H${width - right}"/><text x="${left - 7}" y="${at + 4}" text-anchor="end">${short(tick)}</text>`;
    }),
  ];
  const lines = series.map(({ name, points, isLimit }, k) => {
    const places = points.map(([x, y]) => [round(across.at(x)), round(up.at(y))] as const);
    const marks = places.map(
      ([a, b], i) =>
        `<path class="mark" d="${mark(k, a, b)}"><title>${escaped(name)}, ${points[i].map(short).join(": ")}</title></path>`,
    );
    const path = `<path class="line${isLimit ? " limit" : ""}" d="M${places.map((place) => place.join(" ")).join("L")}"/>`;
    return `<g class="series-${k}">${path}${isLimit ? "" : marks.join("")}</g>`;
  });
  const ends = series.map(({ points }) => up.at(points[points.length - 1][1]));
  const labels = spread(ends).map(
    (at, k) =>
      `<text class="name series-${k}" x="${width - right + 9}" y="${round(at) + 4}">${escaped(series[k].name)}</text>`,
  );
  return `<svg role="img" aria-labelledby="${id}-title ${id}-desc" viewBox="0 0 ${width} ${height}" xmlns="http://www.w3.org/2000/svg">
<title id="${id}-title">${escaped(title)}</title><desc id="${id}-desc">${escaped(description)}</desc>
${[...grid, ...lines, ...labels].join("\n")}
<text x="${(left + width - right) / 2}" y="${height - 8}" text-anchor="middle">${escaped(x)}</text>
<text transform="translate(14 ${(top + height - bottom) / 2}) rotate(-90)" text-anchor="middle">${escaped(y)}</text>
</svg>`;
}

/** A logarithmic scale with some room around the values, and round numbers on it. */
export function scale(values: readonly number[], from: number, to: number) {
  const [low, high] = [Math.log10(Math.min(...values)), Math.log10(Math.max(...values))];
  const room = Math.max(0.06 * (high - low), 0.05);
  const [start, end] = [low - room, high + room];
  const at = (value: number) => from + ((Math.log10(value) - start) / (end - start)) * (to - from);
  const decades = Array.from({ length: Math.ceil(end) - Math.floor(start) + 1 }, (_, i) => Math.floor(start) + i);
  const steps = end - start > 2 ? [1] : [1, 2, 5];
  const ticks = decades
    .flatMap((decade) => steps.map((step) => Number(`${step}e${decade}`)))
    .filter((tick) => Math.log10(tick) >= start && Math.log10(tick) <= end);
  return { at, ticks };
}

/** Heights moved apart so that no two labels lie on each other. */
export function spread(heights: readonly number[]): number[] {
  const order = heights.map((_, k) => k).sort((a, b) => heights[a] - heights[b]);
  const moved = [...heights];
  for (const [i, k] of order.entries()) {
    if (i > 0) moved[k] = Math.max(moved[k], moved[order[i - 1]] + lineHeight);
  }
  // those that came to lie too low go up again
  let floor = height - bottom;
  for (const k of order.reverse()) {
    moved[k] = Math.min(moved[k], floor);
    floor = moved[k] - lineHeight;
  }
  return moved;
}

/** A shape for each series, so that colour is not all that tells them apart. */
function mark(k: number, x: number, y: number): string {
  const r = 4;
  const shapes = [
    `M${x - r} ${y}a${r} ${r} 0 1 0 ${2 * r} 0a${r} ${r} 0 1 0 ${-2 * r} 0`,
    `M${x - r} ${y - r}h${2 * r}v${2 * r}h${-2 * r}z`,
    `M${x} ${y - r}l${r} ${2 * r}h${-2 * r}z`,
    `M${x} ${y - r - 1}l${r + 1} ${r + 1}l${-r - 1} ${r + 1}l${-r - 1} ${-r - 1}z`,
  ];
  return shapes[k % shapes.length];
}

/** 1 K, 1 M and so on; three digits. */
export function short(x: number): string {
  for (const [unit, size] of [
    ["G", 1e9],
    ["M", 1e6],
    ["K", 1e3],
  ] as const) {
    if (x >= size) return `${Number((x / size).toPrecision(3))} ${unit}`;
  }
  return String(Number(x.toPrecision(3)));
}

export function escaped(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll('"', "&quot;");
}

function round(x: number): number {
  return Math.round(10 * x) / 10;
}
