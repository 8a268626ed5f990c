import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const script = fileURLToPath(new URL("../../../scripts/quickstart.mjs", import.meta.url));

/** Only calls that end before anything is installed. */
function quickstart(...args: string[]): { status: number | null; stdout: string; stderr: string } {
  return spawnSync(process.execPath, [script, ...args], { encoding: "utf8" });
}

test("--help names every option and gives an example", () => {
  const { status, stdout } = quickstart("--help");
  expect(status).toBe(0);
  for (const option of ["--native", "--backend", "--seed", "--sft-steps", "--grpo-steps", "--output", "--json"]) expect(stdout).toContain(option);
  expect(stdout).toContain("Example: npm run quickstart -- --native --seed 7");
});

test.each([
  [["--seed", "x"], "[quickstart] unusable --seed: got x, expected a whole number from 0."],
  [["--sft-steps", "0"], "[quickstart] unusable --sft-steps: got 0, expected a whole number from 1."],
  [["--native", "--backend", "wasm"], "[quickstart] two backends asked for: got --native and --backend wasm, expected one of them."],
  [["--speed"], "[quickstart] Unknown option '--speed'"],
])("%j is refused", (args, words) => {
  const { status, stderr } = quickstart(...args);
  expect(status).toBe(1);
  expect(stderr).toContain(words);
  expect(stderr).not.toContain("    at "); // no stack
});
