import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { extname, join } from "node:path";

const types: Record<string, string> = { ".html": "text/html", ".js": "text/javascript" };

/** Serves a folder's files, with headers, until closed. */
export async function serve(folder: string, headers = {}): Promise<{ url: string; close: () => void }> {
  const server = createServer(({ url = "/" }, response) => {
    const path = join(folder, url.endsWith("/") ? `${url}index.html` : url);
    try {
      const body = readFileSync(path);
      response
        .writeHead(200, { "Content-Type": types[extname(path)] ?? "application/octet-stream", ...headers })
        .end(body);
    } catch {
      response.writeHead(404).end();
    }
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}/`, close: () => server.close() };
}
