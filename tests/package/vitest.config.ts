import { defineConfig } from "vitest/config";

export default defineConfig({
  test: { dir: "tests/package", globalSetup: "tests/package/pack.ts", testTimeout: 60_000, hookTimeout: 60_000 },
});
