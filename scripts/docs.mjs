// What the docstring of each optimizer's class says in its tags: when to use it, its papers, its state if that is too much to list,
// and what options mean that mean something else in others.
import { readdirSync, readFileSync } from "node:fs";

const folder = new URL("../src/optimizers/", import.meta.url);

export const docs = Object.fromEntries(
  readdirSync(folder).flatMap((file) => docsOf(readFileSync(new URL(file, folder), "utf8"))),
);

function docsOf(text) {
  const classes = text.matchAll(/\/\*\*((?:(?!\*\/)[\s\S])*)\*\/\nexport const (\w+) = .*define\w*Optimizer/g);
  return [...classes].map(([, comment, name]) => {
    const tags = comment
      .replace(/^ \* ?/gm, "")
      .split(/^@/m)
      .slice(1)
      .map((tag) => /^(\w+) (.*)$/s.exec(tag.replace(/\s+/g, " ").trim()));
    const said = (tag) => tags.flatMap(([, each, what]) => (each === tag ? [what] : []));
    const [[remarks], see, [state]] = [said("remarks"), said("see"), said("state")];
    if (!remarks || see.length === 0) throw new Error(`${name} has no docstring with @remarks and @see`);
    const options = Object.fromEntries(said("option").map((what) => /^(\w+) (.*)$/.exec(what).slice(1)));
    return [name, { remarks, see, state, options }];
  });
}
