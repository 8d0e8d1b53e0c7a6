/** Reads the JSON of a header, piece by piece: `JSON.parse` would take a key that comes twice without a word. */
export class Scanner {
  readonly #text: string;
  readonly #fail: (why: string) => never;
  #at = 0;

  constructor(text: string, fail: (why: string) => never) {
    this.#text = text;
    this.#fail = fail;
    if (text[0] !== "{") this.#expected("{");
  }

  /** An object: `read` is called with each key, and reads its value. */
  object(read: (key: string) => void): void {
    const keys = new Set<string>();
    this.#list("{", "}", () => {
      const key = this.string();
      if (keys.has(key)) this.#fail(`the header must have each name once, got ${JSON.stringify(key)} twice`);
      keys.add(key);
      if (!this.#take(":")) this.#expected(":");
      read(key);
    });
  }

  string(): string {
    this.#skip();
    const start = this.#at;
    if (this.#text[start] !== '"') this.#expected("a string");
    let end = start;
    do end = this.#text.indexOf('"', end + 1);
    while (end > 0 && this.#isEscaped(end));
    if (end < 0) this.#expected("the end of the string");
    this.#at = end + 1;
    try {
      return JSON.parse(this.#text.slice(start, end + 1));
    } catch {
      this.#at = start;
      return this.#expected("a string");
    }
  }

  /** An array of whole numbers >= 0. */
  counts(): number[] {
    const counts: number[] = [];
    this.#list("[", "]", () => counts.push(this.#count()));
    return counts;
  }

  /** Fails unless only spaces follow. */
  end(): void {
    while (this.#text[this.#at] === " ") this.#at++;
    if (this.#at < this.#text.length) this.#expected("spaces up to its end");
  }

  #list(open: string, close: string, read: () => void): void {
    if (!this.#take(open)) this.#expected(open);
    if (this.#take(close)) return;
    do read();
    while (this.#take(","));
    if (!this.#take(close)) this.#expected(`, or ${close}`);
  }

  #count(): number {
    this.#skip();
    number.lastIndex = this.#at;
    const [digits] = number.exec(this.#text) ?? [];
    const count = Number(digits);
    if (digits === undefined || !Number.isSafeInteger(count)) return this.#expected("a whole number >= 0");
    this.#at += digits.length;
    return count;
  }

  #take(mark: string): boolean {
    this.#skip();
    if (this.#text[this.#at] !== mark) return false;
    this.#at++;
    return true;
  }

  #skip(): void {
    while (blanks.has(this.#text[this.#at])) this.#at++;
  }

  /** Whether an odd number of backslashes stands before. */
  #isEscaped(end: number): boolean {
    let start = end;
    while (this.#text[start - 1] === "\\") start--;
    return (end - start) % 2 === 1;
  }

  #expected(what: string): never {
    const rest = this.#text.slice(this.#at, this.#at + 20);
    return this.#fail(`the header must have ${what} at character ${this.#at}, got ${JSON.stringify(rest)}`);
  }
}

const blanks = /* @__PURE__ */ new Set(" \t\n\r");
const number = /(?:0|[1-9]\d{0,15})(?![\d.eE])/y;
