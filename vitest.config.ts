import { defineConfig } from "vitest/config";

// `npm test` runs the files in tests; a folder of it is a slow suite, for `vitest run --dir`
export default defineConfig({
  test: { dir: "tests", include: ["*.test.ts"], testTimeout: 30_000, maxWorkers: "100%" },
});
