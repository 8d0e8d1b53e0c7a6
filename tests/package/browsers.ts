import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { chromium, firefox } from "playwright-core";

/** What a page answers, and everything that the console or the page complained of, as far as the browser tells. */
export interface Visit {
  readonly answer: unknown;
  readonly complaints: string[];
}

export interface Browser {
  /** Opens a page; waits until it has set `answer`. */
  visit(url: string): Promise<Visit>;
  close(): Promise<unknown>;
}

export const browsers = {
  chromium: () => openPlaywright(chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium" })),
  firefox: () => openPlaywright(firefox.launch({ channel: "moz-firefox", executablePath: "/usr/bin/firefox-esr" })),
  webkit: openWebKit,
};

async function openPlaywright(launched: ReturnType<typeof chromium.launch>): Promise<Browser> {
  const browser = await launched;
  return {
    async visit(url) {
      const page = await browser.newPage();
      const complaints: string[] = [];
      page.on("console", (message) => {
        if (message.type() === "error" || message.type() === "warning") complaints.push(message.text());
      });
      page.on("pageerror", (error) => complaints.push(error.message));
      await page.goto(url);
      const answer = await waitFor(() => page.evaluate("globalThis.answer"));
      await page.close();
      return { answer, complaints };
    },
    close: () => browser.close(),
  };
}

/** What a page answers, or undefined after a while. A browser's own way to wait needs eval, which a page may forbid. */
async function waitFor(read: () => Promise<unknown>): Promise<unknown> {
  for (let tries = 0; tries < 300; tries++) {
    const answer = (await read()) ?? undefined;
    if (answer !== undefined) return answer;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  return undefined;
}

const DRIVER = "http://127.0.0.1:8917";

/** WebKitGTK has a driver of the W3C's protocol, and needs a display. */
async function openWebKit(): Promise<Browser> {
  const screen = spawn("Xvfb", ["-displayfd", "1", "-nolisten", "tcp"], { stdio: ["ignore", "pipe", "ignore"] });
  const [display] = await once(screen.stdout, "data");
  const env = { ...process.env, DISPLAY: `:${String(display).trim()}` };
  const driver = spawn("WebKitWebDriver", [`--port=${new URL(DRIVER).port}`], { env, stdio: "ignore" });
  const binary = "/usr/lib/x86_64-linux-gnu/webkit2gtk-4.1/MiniBrowser";
  const capabilities = { browserName: "MiniBrowser", "webkitgtk:browserOptions": { binary, args: ["--automation"] } };
  const { sessionId } = (await ask("/session", { capabilities: { alwaysMatch: capabilities } })) as {
    sessionId: string;
  };
  return {
    async visit(url) {
      await ask(`/session/${sessionId}/url`, { url });
      const script = { script: "return globalThis.answer", args: [] };
      const answer = await waitFor(() => ask(`/session/${sessionId}/execute/sync`, script));
      return { answer, complaints: [] };
    },
    async close() {
      await fetch(`${DRIVER}/session/${sessionId}`, { method: "DELETE" });
      await Promise.all([driver, screen].map(end));
    },
  };
}

/** Asks the driver, once it is there. */
async function ask(path: string, body: object): Promise<unknown> {
  for (let tries = 0; ; tries++) {
    try {
      const response = await fetch(DRIVER + path, { method: "POST", body: JSON.stringify(body) });
      return ((await response.json()) as { value: unknown }).value;
    } catch (error) {
      if (tries === 100) throw error;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
}

async function end(child: ChildProcess): Promise<void> {
  child.kill();
  await once(child, "exit");
}
