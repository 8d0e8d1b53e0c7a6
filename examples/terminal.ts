/** Lays rows out in columns under a heading: the first column to the left, the others to the right. */
export function table(heading: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = heading.map((title, column) => Math.max(title.length, ...rows.map((row) => row[column].length)));
  const line = (cells: readonly string[]) =>
    cells.map((cell, column) => (column === 0 ? cell.padEnd(widths[0]) : cell.padStart(widths[column]))).join("  ");
  return [line(heading), widths.map((width) => "─".repeat(width)).join("  "), ...rows.map(line)].join("\n");
}

/** Breaks a text into lines of at most 120 characters, between words. */
export function wrap(text: string): string {
  return text.replace(/(.{1,120})(?:[ \n]+|$)/g, "$1\n").trimEnd();
}

/** Shows how far a job is: in one line that is rewritten on a terminal, otherwise in a few plain lines. */
export class Progress {
  readonly #began = performance.now();
  #done = 0;
  #quarter = 0;

  constructor(
    readonly name: string,
    readonly total: number,
  ) {}

  /** One more part is done. */
  tick(note: string): void {
    this.#done++;
    const quarter = Math.floor((4 * this.#done) / this.total);
    if (process.stdout.isTTY) {
      process.stdout.write(`\r\x1b[K${this.#done < this.total ? this.#line(note) : ""}`);
    } else if (quarter > this.#quarter) {
      console.log(this.#line(note));
    }
    this.#quarter = quarter;
  }

  #line(note: string): string {
    const seconds = ((performance.now() - this.#began) / 1000).toFixed(1);
    const percent = Math.round((100 * this.#done) / this.total);
    return `${this.name}: ${percent} % after ${seconds} s (${note})`;
  }
}
