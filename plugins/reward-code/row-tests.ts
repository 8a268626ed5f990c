import type { RewardSample, Row } from "@verlet/core";
import { RewardError, showValue } from "@verlet/core";
import { requireAnswer } from "@verlet/data";
import type { CodeTest } from "./sandbox.js";

export interface TestOptions {
  functionName?: string | undefined;
  functionColumn: string;
}

const EXPECTED = '[{"input": [1, 2], "output": 3}, …], a test script as text, or a list of those';

/**
 * The tests in the row's answer column: a list of `{ input, output }` and test scripts, such a list as JSON text, or one script.
 * `input` is the list of arguments; anything else is the only argument.
 * @throws RewardError for an answer that holds no tests, and for calls without the name of a function.
 */
export function readTests(sample: RewardSample, options: TestOptions): CodeTest[] {
  const answer = requireAnswer(sample);
  const value = typeof answer === "string" ? (listIn(answer) ?? [answer]) : answer;
  if (!Array.isArray(value)) throw new RewardError({ where: "reward", what: "the row's answer holds no tests", got: showValue(value), expected: EXPECTED });
  return value.map((test: unknown, i) => readTest(test, i, sample.row, options));
}

function readTest(test: unknown, i: number, row: Row, options: TestOptions): CodeTest {
  if (typeof test === "string" && test.trim() !== "") return { program: test };
  if (isCall(test)) return { functionName: nameOf(row, options), input: Array.isArray(test.input) ? test.input : [test.input], output: test.output };
  throw new RewardError({ where: "reward", what: `test ${i + 1} of the row is none`, got: showValue(test), expected: EXPECTED });
}

function isCall(test: unknown): test is { input: unknown; output: unknown } {
  return typeof test === "object" && test !== null && "input" in test && "output" in test;
}

function listIn(text: string): unknown[] | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return Array.isArray(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function nameOf(row: Row, { functionName, functionColumn }: TestOptions): string {
  const name = functionName ?? row[functionColumn];
  if (typeof name === "string" && /^[A-Za-z_$][\w$]*$/.test(name)) return name;
  throw new RewardError({
    where: "reward",
    what: "its tests call a function, and nothing says which",
    got: `column "${functionColumn}": ${showValue(name)}`,
    expected: "the name of a function",
    fix: "Set functionName, or functionColumn to the column that holds it",
  });
}
