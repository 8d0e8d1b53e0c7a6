// Writes the tables that follow from the rules, each between its markers: the optimizers into README.md, their options into
// docs/options.md, and what the libraries' calls are here into docs/migration.md. With `--check` it writes nothing, and fails if a table is not what it should be.
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { optimizers } from "../dist/index.js";
import { docs } from "./docs.mjs";
import { libraries, libraryOf } from "./libraries.mjs";
import { meaningOf, meanings, rangeOf, valueText } from "./meanings.mjs";

const check = process.argv.includes("--check");
process.chdir(new URL("..", import.meta.url).pathname);
const cases = readCases();
replace("README.md", { optimizers: optimizersTable });
replace("docs/options.md", { options: optionsTable });
replace("docs/migration.md", Object.fromEntries(Object.keys(libraries).map((name) => [name, () => callsTable(name)])));

/** Puts tables between their markers in a file. */
function replace(file, tables) {
  const before = readFileSync(file, "utf8");
  let text = before;
  for (const [name, made] of Object.entries(tables)) {
    const [start, end] = [`<!-- table: ${name} -->\n`, `<!-- end of ${name} -->`];
    const [from, to] = [text.indexOf(start) + start.length, text.indexOf(end)];
    if (from < start.length || to < from) throw new Error(`${file} lacks the markers of ${name}`);
    text = `${text.slice(0, from)}${made()}\n${text.slice(to)}`;
  }
  if (!check) writeFileSync(file, text);
  else if (text !== before) throw new Error(`${file} is not what its tables should be: npm run tables`);
}

function optimizersTable() {
  const titles = {
    ...Object.fromEntries(Object.entries(libraries).map(([name, { title }]) => [name, title])),
    authors: "authors",
  };
  const byName = Object.entries(optimizers).sort(([a], [b]) => (a < b ? -1 : 1));
  const rows = byName.map(([, made]) => {
    const doc = docs[made.name];
    if (!doc) throw new Error(`${made.name} has no docstring with @remarks and @see`);
    const compared = cases.filter(({ optimizer }) => optimizer === made.name);
    for (const convention of Object.keys(made.conventions)) {
      const isCompared = convention === "torch" || compared.some(({ options }) => options.convention === convention);
      if (!isCompared) throw new Error(`no golden case compares ${made.name} under "${convention}"`);
    }
    const [use] = doc.remarks
      .replace(/^Use it /, "")
      .replace(/\.$/, "")
      .split(". ");
    const from = Object.keys(titles).filter((name) => compared.some(({ library }) => library === name));
    const cells = [code(made.name), ...stateOf(made, doc.state), use, doc.see.map(paper).join("; ")];
    return [...cells, from.map((name) => titles[name]).join(", ")];
  });
  return table(["class", "state", "bytes of it", "use it", "paper", "compared with"], rows);
}

/** A row for each meaning that an option has, the one that it has for most first. */
function optionsTable() {
  const all = Object.values(optimizers);
  const names = [...new Set(all.flatMap(({ defaults }) => Object.keys(defaults)))].sort((a, b) => (a < b ? -1 : 1));
  const unknown = [
    ...Object.keys(meanings).filter((name) => !names.includes(name)),
    ...all.flatMap((made) => Object.keys(docs[made.name].options).filter((name) => !(name in made.defaults))),
  ];
  if (unknown.length > 0) throw new Error(`options are described that there are not: ${unknown}`);
  const rows = names.flatMap((name) => {
    const having = all.filter(({ defaults }) => name in defaults);
    const groups = [...groupBy(having, (made) => meaningOf(name, made.name))];
    groups.sort(([a], [b]) => Number(b === meanings[name]) - Number(a === meanings[name]));
    return groups.map(([meaning, made]) => {
      const of = meaning === meanings[name] && made.length > 3 ? "" : ` of ${listed(made)}`;
      return [
        `${code(name)}${of}`,
        meaning.replaceAll("|", "\\|"),
        named(made, (one) => valueText(one.defaults[name])),
        range(made, name),
      ];
    });
  });
  return table(["option", "what it is", "default", "range"], rows);
}

function range(made, name) {
  const [{ defaults, rule }] = made;
  if (typeof defaults[name] === "number") return named(made, (one) => rangeOf(one.rule, name) || "[0, ∞)");
  return (rule.choices?.[name] ?? []).map(valueText).join(", ");
}

/** The values that classes have, the most frequent one first and without their names. */
function named(made, textOf) {
  const [[most], ...others] = [...groupBy(made, textOf)].sort(([, a], [, b]) => b.length - a.length);
  return [most, ...others.map(([value, classes]) => `${value} for ${listed(classes)}`)].join("; ");
}

function listed(classes) {
  return classes.map(({ name }) => code(name)).join(", ");
}

function groupBy(items, keyOf) {
  const groups = new Map();
  for (const item of items) groups.set(keyOf(item), [...(groups.get(keyOf(item)) ?? []), item]);
  return groups;
}

/** "Kingma and Ba, 2014, Adam: … (arXiv 1412.6980)" in short, and as a link if there is something to link to. */
function paper(text) {
  const [, short = text, arxiv] = /^(.+?, \d{4})\b.*?(?:\(arXiv ([\d.]+)\))?$/.exec(text) ?? [];
  return arxiv ? `[${short}](https://arxiv.org/abs/${arxiv})` : short;
}

/** The slots of a rule with what makes them, and the bytes of float32 that they take for each parameter of r rows and c columns. */
function stateOf({ rule, defaults, conventions }, told) {
  // "what: its bytes", where that is too much to list
  if (told) return told.split(": ");
  const [r, c] = [7, 11];
  const slotsOf = (options) => {
    const slots = Object.entries(rule.state({ ...defaults, ...options }, [r, c], ""));
    return new Map(slots.map(([slot, start]) => [slot, start.shape?.reduce((size, n) => size * n, 1) ?? r * c]));
  };
  const usual = slotsOf({});
  const [more, sets] = [new Map(), [usual]];
  for (const [option, value] of Object.entries(defaults)) {
    for (const other of othersThan(
      value,
      option === "convention" ? Object.keys(conventions) : rule.choices?.[option],
    )) {
      const slots = slotsOf({ [option]: other });
      const added = [...slots].filter(([slot]) => !usual.has(slot) && !more.has(slot));
      const when = typeof other === "string" ? `${option}: "${other}"` : option;
      for (const [slot] of added) more.set(slot, `${code(slot)} with${other === false ? "out" : ""} ${code(when)}`);
      // options that only add slots can come together
      if ([...usual.keys()].every((slot) => slots.has(slot))) sets[0] = new Map([...sets[0], ...added]);
      else sets.push(slots);
    }
  }
  const parts = [[...usual.keys()].map(code).join(", "), ...more.values()].filter(Boolean);
  const full = (slots) => 4 * [...slots.values()].filter((size) => size === r * c).length;
  const least = Math.min(full(usual), ...sets.slice(1).map(full));
  const most = Math.max(...sets.map(full));
  const shares = [1, r, c].filter((size) => sets.some((slots) => [...slots.values()].includes(size)));
  const small = shares.map((size) => ` + ${{ 1: "4/rc", [r]: "4/c", [c]: "4/r" }[size]}`);
  return [parts.join("; "), `${least === most ? most : `${least} to ${most}`}${small.join("")}`];
}

/** Values of an option that may bring other slots. */
function othersThan(value, choices = []) {
  return typeof value === "boolean" ? [!value] : value === 0 ? [0.5] : choices.filter((choice) => choice !== value);
}

/** Every golden case of an optimizer alone, with the library that it is of. */
function readCases() {
  return ["libs", "refs"].flatMap((folder) =>
    readdirSync(`tests/golden/${folder}`).flatMap((file) => {
      const { cases, runs = [] } = JSON.parse(readFileSync(`tests/golden/${folder}/${file}`, "utf8"));
      const alone = (cases ?? runs).filter(({ wrapper }) => !wrapper);
      return alone.map((one) => ({ ...one, library: libraryOf(file, one.source) ?? "authors" }));
    }),
  );
}

function callsTable(library) {
  const { title, version, prefix, convention, names, optimizers: calls } = libraries[library];
  const shown = (condition) => (library === "tfjs" ? condition : inPython(condition));
  const rows = Object.entries(calls).map(([call, entry]) => {
    const [name, options = {}, more = {}] = [entry].flat();
    const [theirs] = call.split("(");
    const isIt = (one) => one.optimizer === name && one.name.split("/").includes(theirs);
    if (!cases.some(({ library: from, ...one }) => from === library && isIt(one))) {
      throw new Error(`no golden case compares ${prefix}${call} with ${name}`);
    }
    const { defaults, conventions } = optimizers[name.toLowerCase()];
    const given = { ...(convention !== "torch" && { convention }), ...options };
    const under = conventions[given.convention ?? convention];
    const differing = Object.keys(defaults).filter((key) => !(key in given) && under[key] !== defaults[key]);
    return [
      code(prefix + shown(call)),
      code(`new ${name}(params${Object.keys(given).length > 0 ? `, ${literal(given)}` : ""})`),
      renames(more, shown),
      differing
        .filter((key) => key !== "convention")
        .map((key) => code(`${key}: ${valueText(under[key])}`))
        .join(", "),
    ];
  });
  const head = [`${title} ${version}`, "gradstep", "options with another name", "defaults that are not `X.defaults`"];
  return `In all of them: ${renames(names, shown)}.\n\n${table(head, rows)}`;
}

/** "`theirs` is `ours`" for each name. */
function renames(names, shown) {
  const each = Object.entries(names).map(([theirs, ours]) => {
    if (theirs.includes("=") && typeof ours === "string") return `${code(shown(theirs))} is ${ours}`;
    const isSet = typeof ours === "object" && !Array.isArray(ours);
    if (isSet && Object.keys(ours).length === 0) return `${code(shown(theirs))} needs no option`;
    const meant = isSet ? [literal(ours).slice(2, -2)] : [ours].flat(Infinity);
    return `${code(shown(theirs))} is ${meant.map(code).join(", ")}`;
  });
  return each.join("; ");
}

function inPython(condition) {
  return condition.replace(
    /=(true|false|null)/g,
    (_, value) => `=${{ true: "True", false: "False", null: "None" }[value]}`,
  );
}

function literal(options) {
  return `{ ${Object.entries(options)
    .map(([key, value]) => `${key}: ${JSON.stringify(value)}`)
    .join(", ")} }`;
}

function table(head, rows) {
  return [head, head.map(() => "---"), ...rows].map((cells) => `| ${cells.join(" | ")} |`).join("\n");
}

function code(text) {
  return `\`${text}\``;
}
