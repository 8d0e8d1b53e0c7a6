/** Tells on stderr what is being measured, in one line that changes; says nothing where there is no terminal. */
export function showProgress(stream = process.stderr): {
  show(done: number, total: number, text: string): void;
  end(): void;
} {
  const start = performance.now();
  const write = (line: string) => {
    if (stream.isTTY) stream.write(`\r\x1b[K${line}`);
  };
  return {
    show(done, total, text) {
      const seconds = (performance.now() - start) / 1000;
      const line = `[${done}/${total}] ${text} (${seconds.toFixed(0)} s)`;
      // a line that is broken could not be taken back
      write(line.slice(0, (stream.columns ?? 80) - 1));
    },
    end: () => write(""),
  };
}
