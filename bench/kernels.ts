import { readdirSync, readFileSync } from "node:fs";
import ts from "typescript";

/** The words of assembly/lanes.ts that keep the divider busy. */
export const slowWords = ["div", "sqrt", "cbrt"] as const;

export type SlowWord = (typeof slowWords)[number];

/** Whether a loop reads or writes a buffer. */
export type Access = "" | "r" | "w" | "rw";

/** What a kernel asks of the machine, as its text says. */
export interface Kernel {
  /** What it does with each parameter. */
  readonly access: readonly Access[];
  /** How many slow words it has per vector. */
  readonly words: Readonly<Record<SlowWord, number>>;
}

type Scope = ReadonlyMap<string, ts.FunctionDeclaration>;

/** What the compiler's own functions do with their arguments, and what is done in every form to those of `gradient` and `update`. */
const builtIn: Readonly<Record<string, readonly Access[]>> = {
  load: ["r"],
  store: ["w"],
  "v128.load": ["r"],
  "v128.load_zero": ["r"],
  "v128.store": ["w"],
  "memory.copy": ["w", "r"],
  "memory.fill": ["w"],
  gradient: ["r", ""],
  update: ["w", ""],
};

/** The text of everything in assembly/. */
export function kernelSources(): string[] {
  const folder = new URL("../assembly/", import.meta.url);
  const files = readdirSync(folder, { recursive: true, encoding: "utf8" });
  return files
    .filter((file) => file.endsWith(".ts") && !file.endsWith(".d.ts"))
    .map((file) => readFileSync(new URL(file, folder), "utf8"));
}

/** The exported functions of some sources, by name. */
export function readKernels(sources: readonly string[]): ReadonlyMap<string, Kernel> {
  const files = sources.map((source) => functionsOf(ts.createSourceFile("", source, ts.ScriptTarget.Latest, true)));
  const exported = new Map(files.flatMap((file) => [...file].filter(([, { modifiers }]) => modifiers)));
  return new Map(
    files.flatMap((file) => {
      const scope = new Map([...exported, ...file]);
      return [...file].filter(([, { modifiers }]) => modifiers).map(([name, f]) => [name, kernelOf(f, scope)] as const);
    }),
  );
}

function functionsOf(file: ts.SourceFile): Scope {
  return new Map(file.statements.filter(ts.isFunctionDeclaration).map((f) => [f.name?.text ?? "", f]));
}

function kernelOf(f: ts.FunctionDeclaration, scope: Scope): Kernel {
  const words = { div: 0, sqrt: 0, cbrt: 0 };
  countWords(f, false, scope, words);
  return { access: f.parameters.map((parameter) => accessOf(f, parameter.name.getText(), scope)), words };
}

/** Adds up the slow words below a node that loops run for each vector. */
function countWords(node: ts.Node, inLoop: boolean, scope: Scope, words: Record<SlowWord, number>): void {
  if (ts.isForStatement(node) && /\+= VECTOR$/.test(node.incrementor?.getText() ?? "")) inLoop = true;
  if (ts.isCallExpression(node)) {
    const name = node.expression.getText();
    const callee = scope.get(name);
    if (isSlow(name)) words[name] += Number(inLoop);
    else if (callee) countWords(callee, inLoop, scope, words);
  }
  ts.forEachChild(node, (child) => countWords(child, inLoop, scope, words));
}

function isSlow(name: string): name is SlowWord {
  return (slowWords as readonly string[]).includes(name);
}

/** What a function, and what it calls, does with the buffer that a parameter points to. */
function accessOf(f: ts.FunctionDeclaration, parameter: string, scope: Scope): Access {
  const names = new Set([parameter]);
  const found = new Set<string>();
  const visit = (node: ts.Node): void => {
    if (ts.isVariableDeclaration(node) && names.has(baseOf(node.initializer))) names.add(node.name.getText());
    if (ts.isCallExpression(node)) {
      const name = node.expression.getText();
      const callee = scope.get(name);
      for (const [i, argument] of node.arguments.entries()) {
        if (!names.has(baseOf(argument))) continue;
        const known = builtIn[name]?.[i];
        const access = known ?? (callee ? accessOf(callee, callee.parameters[i].name.getText(), scope) : "");
        for (const letter of access) found.add(letter);
      }
    }
    ts.forEachChild(node, visit);
  };
  visit(f);
  return [...found].sort().join("") as Access;
}

/** The name that an address starts from: that of `p + i + VECTOR` is p. */
function baseOf(node: ts.Node | undefined): string {
  if (node === undefined) return "";
  if (ts.isBinaryExpression(node)) return baseOf(node.left);
  return ts.isIdentifier(node) ? node.text : "";
}
