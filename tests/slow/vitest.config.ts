import { defineConfig } from "vitest/config";

export default defineConfig({ test: { dir: "tests/slow", testTimeout: 300_000 } });
