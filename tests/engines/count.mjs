// Adds up the reports of several test runs: node tests/engines/count.mjs <folder of JSON reports>
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** What a report of vitest says. A file that did not load is a failure, and so is a report that nobody wrote. */
export function count(file) {
  try {
    const { numPassedTests, numFailedTests, testResults } = JSON.parse(readFileSync(file, "utf8"));
    const unloaded = testResults.filter((suite) => suite.status === "failed" && suite.assertionResults.length === 0);
    return { passed: numPassedTests, failed: numFailedTests + unloaded.length };
  } catch {
    return { passed: 0, failed: 1 };
  }
}

if (import.meta.filename === process.argv[1]) {
  const folder = process.argv[2];
  const reports = readdirSync(folder, { recursive: true }).filter((name) => name.endsWith(".json"));
  const counts = reports.map((name) => count(join(folder, name)));
  const sum = (key) => counts.reduce((total, each) => total + each[key], 0);
  console.log(`${sum("passed")} passed, ${sum("failed")} failed`);
}
