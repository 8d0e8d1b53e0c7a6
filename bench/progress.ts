/** Tells on stderr what is being measured: one line that changes on a terminal, else a line every few seconds. */
export function showProgress(stream = process.stderr): {
  show(done: number, total: number, text: string): void;
  end(): void;
} {
  const start = performance.now();
  let last = -Infinity;
  return {
    show(done, total, text) {
      const seconds = (performance.now() - start) / 1000;
      const line = `[${done}/${total}] ${text} (${seconds.toFixed(0)} s)`;
      if (stream.isTTY) stream.write(`\r\x1b[K${line}`);
      else if (seconds - last >= 5) {
        stream.write(`${line}\n`);
        last = seconds;
      }
    },
    end() {
      if (stream.isTTY) stream.write("\r\x1b[K");
    },
  };
}
