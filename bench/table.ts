export type Cell = string | number;

/** Lines of cells as text, the first line as the head: the first column to the left, the others to the right. */
export function table([head, ...lines]: readonly (readonly Cell[])[]): string {
  const all = [head, ...lines];
  const widths = head.map((_, column) => Math.max(...all.map((line) => String(line[column]).length)));
  const text = (line: readonly Cell[]) =>
    line
      .map((cell, i) => (i === 0 ? String(cell).padEnd(widths[i]) : String(cell).padStart(widths[i])))
      .join("  ")
      .trimEnd();
  return [text(head), widths.map((width) => "-".repeat(width)).join("  "), ...lines.map(text)].join("\n");
}
