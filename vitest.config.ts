import { defineConfig } from "vitest/config";

// These fake modules and globals, measure the heap or start workers: they run in processes of their own. The others share theirs,
// with the library loaded once.
const alone = ["memory.test.ts", "threads.test.ts"];

// `npm test` runs the files in tests; a folder of it with a configuration of its own is another suite
export default defineConfig({
  test: {
    dir: "tests",
    testTimeout: 30_000,
    maxWorkers: "100%",
    projects: [
      { extends: true, test: { name: "alone", include: alone } },
      { extends: true, test: { name: "together", include: ["*.test.ts"], exclude: alone, isolate: false } },
    ],
  },
});
