/**
 * Runs every test: `npm test`, or `npm test -- test/unit/core` for some. Arguments are vitest's.
 * Ends with the line `N passed, N failed, N skipped`.
 */
import { spawn } from "node:child_process";
import { mkdirSync, readFileSync, rmSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { ensureInstalled, main, root, step, tsc } from "./ensure-installed.mjs";

const RESULTS = join(root, ".cache", "test-results.json");

await main(async () => {
  await ensureInstalled();
  await step("Checking the tests' types (tsc -p test)", tsc(["-p", "test"]), ["Correct the errors above; they are in test/ or examples/."]);
  const code = await runVitest(process.argv.slice(2));
  const { passed, failed, skipped } = count();
  console.log(`${passed} passed, ${failed} failed, ${skipped} skipped`);
  return code || (failed > 0 || passed === 0 ? 1 : 0);
});

function runVitest(args) {
  mkdirSync(dirname(RESULTS), { recursive: true });
  rmSync(RESULTS, { force: true });
  const vitest = join(root, "node_modules", "vitest", "vitest.mjs");
  const child = spawn(process.execPath, [vitest, "run", "--reporter=default", "--reporter=json", `--outputFile.json=${RESULTS}`, ...args], {
    cwd: root,
    stdio: ["ignore", "inherit", "inherit"],
  });
  return new Promise((resolve) => child.on("close", (code) => resolve(code ?? 1)));
}

/** A file that could not be loaded holds no test; it counts as one failure. */
function count() {
  let results;
  try {
    results = JSON.parse(readFileSync(RESULTS, "utf8"));
  } catch {
    console.error(`vitest left no results in ${relative(root, RESULTS)}.`);
    return { passed: 0, failed: 1, skipped: 0 };
  }
  const broken = results.testResults.filter(({ status, assertionResults }) => status === "failed" && !assertionResults.some((test) => test.status === "failed"));
  return {
    passed: results.numPassedTests,
    failed: results.numFailedTests + broken.length,
    skipped: results.numPendingTests + results.numTodoTests,
  };
}
