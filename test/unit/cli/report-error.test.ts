import { ConfigError, DataError } from "@verlet/core";
import { readFileSync } from "node:fs";
import { afterEach, expect, test, vi } from "vitest";
import { reportError, UsageError } from "../../../packages/cli/dist/report-error.js";

const { argv } = process;
afterEach(() => {
  process.argv = argv;
  vi.restoreAllMocks();
});

/** What `reportError` writes to standard error, and the status it gives. */
async function report(error: unknown): Promise<{ code: number; text: string }> {
  let text = "";
  vi.spyOn(process.stderr, "write").mockImplementation((chunk) => ((text += String(chunk)), true));
  return { code: await reportError(error), text };
}

function missingFile(): unknown {
  try {
    return readFileSync("/nowhere/at/all");
  } catch (error) {
    return error;
  }
}

test("an error made for the user is its own words", async () => {
  expect(await report(new DataError({ where: "a.jsonl:3", what: "broken" }))).toEqual({ code: 1, text: "error [a.jsonl:3] broken.\n" });
});

test("several problems are counted", async () => {
  const problems = [{ where: "a.yaml:1:1", what: "one" }, { where: "a.yaml:2:1", what: "two" }];
  expect(await report(new ConfigError(problems))).toEqual({ code: 1, text: "2 errors\n[a.yaml:1:1] one.\n[a.yaml:2:1] two.\n" });
});

test("what the system refuses needs no stack", async () => {
  expect(await report(missingFile())).toEqual({ code: 1, text: "error ENOENT: no such file or directory, open '/nowhere/at/all'\n" });
});

test("a wrong command line ends with 2", async () => {
  expect(await report(new UsageError("no kind 'x'"))).toEqual({ code: 2, text: "error: no kind 'x'\n(add --help to see what there is)\n" });
});

test("anything else is a fault, shown with its stack and how to report it", async () => {
  const { code, text } = await report(new TypeError("x is not a function"));
  expect(code).toBe(1);
  expect(text).toMatch(/^TypeError: x is not a function\n {4}at .*report-error\.test\.ts/);
  expect(text).toContain("This is a fault in verlet itself. Please report it with the lines above");
});

test("for programs it is one line; a stack only for faults", async () => {
  process.argv = ["node", "verlet", "score", "--json"];
  const parts = { where: "a.jsonl:3", what: "broken" };
  const expected = await report(new DataError(parts));
  expect(expected.text.endsWith("}\n")).toBe(true);
  expect(JSON.parse(expected.text)).toEqual({ event: "error", error: "DataError", message: "[a.jsonl:3] broken.", problems: [parts] });
  expect(JSON.parse((await report(new TypeError("x"))).text)).toMatchObject({ error: "TypeError", stack: expect.stringContaining("report-error.test.ts") });
});
