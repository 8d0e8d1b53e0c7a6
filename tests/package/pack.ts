import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestProject } from "vitest/node";

declare module "vitest" {
  export interface ProvidedContext {
    tarball: string;
    project: string;
  }
}

/** Packs the library as it would be published, and installs the tarball into a fresh project. */
export default function setup({ provide }: TestProject): () => void {
  if (!existsSync("tests/engines/node_modules")) throw new Error("first: npm run engines");
  const project = mkdtempSync(join(tmpdir(), "gradstep-"));
  const npm = (cwd: string, ...args: string[]) => execFileSync("npm", [...args, "--silent"], { cwd, encoding: "utf8" });
  const name = npm(process.cwd(), "pack", "--ignore-scripts", "--pack-destination", project).trim();
  writeFileSync(join(project, "package.json"), '{ "private": true, "type": "module" }\n');
  npm(project, "install", `./${name}`, "--offline", "--no-audit", "--no-fund");
  provide("tarball", join(project, name));
  provide("project", project);
  return () => rmSync(project, { recursive: true, force: true });
}
