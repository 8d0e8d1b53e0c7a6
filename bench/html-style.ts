const light = [
  "#0b62c4",
  "#b3460b",
  "#5f7a00",
  "#8a3ea8",
  "#a3195b",
  "#00757f",
  "#7a5a00",
  "#50596b",
  "#2f7d4f",
  "#444444",
];
const dark = [
  "#6db3ff",
  "#ff9a5c",
  "#bcd848",
  "#d29bec",
  "#ff82b4",
  "#4fd0db",
  "#e5c04e",
  "#aab4c5",
  "#7fd6a2",
  "#bbbbbb",
];

const colours = (list: readonly string[]) => list.map((colour, k) => `--series-${k}: ${colour};`).join(" ");
const series = light.map((_, k) => `.series-${k} { --own: var(--series-${k}); }`).join("\n");

export const style = `:root { color-scheme: light dark; --ink: #1c2026; --quiet: #565f6c; --paper: #fff; --line: #dfe3e8; ${colours(light)} }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e8eaed; --quiet: #a4acb7; --paper: #14171b; --line: #323840; ${colours(dark)} }
}
${series}
body { margin: 2rem auto; padding: 0 1rem; max-width: 76rem; font: 15px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper); }
h1 { font-size: 1.6rem; } h2 { font-size: 1.2rem; margin-top: 2.5rem; }
.quiet { color: var(--quiet); font-weight: normal; }
details { border-top: 1px solid var(--line); padding: .4rem 0; }
summary { cursor: pointer; font-weight: 600; padding: .3rem 0; }
:focus-visible { outline: 2px solid var(--series-0); outline-offset: 2px; }
.plots { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 26rem), 1fr)); gap: 1rem; }
figure { margin: 0; }
svg { width: 100%; height: auto; font-size: 12px; } svg text { fill: var(--quiet); }
.grid { stroke: var(--line); }
.line { fill: none; stroke: var(--own); stroke-width: 2; stroke-linejoin: round; } .limit { stroke-dasharray: 6 4; }
.mark { fill: var(--own); } svg .name { fill: var(--own); }
.bars { display: grid; grid-template-columns: max-content 1fr; gap: .2rem .8rem; margin: .6rem 0 1.2rem; }
.bars dt { text-align: right; } .bars dd { margin: 0; display: flex; align-items: center; gap: .5rem; padding-right: 5rem; white-space: nowrap; }
.bars span { height: .8rem; border-radius: 2px; background: var(--quiet); opacity: .55; } .bars .own { background: var(--series-0); opacity: 1; }
.bars .cut { background: linear-gradient(90deg, var(--quiet) 88%, transparent 88% 90%, var(--quiet) 90% 92%, transparent 92% 94%, var(--quiet) 94% 96%, transparent 96%); }
.wide { overflow-x: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; } caption { text-align: left; color: var(--quiet); padding: .5rem 0; }
th, td { padding: .15rem .8rem .15rem 0; text-align: right; border-bottom: 1px solid var(--line); }
th:first-child, td:first-child { text-align: left; }
`;
