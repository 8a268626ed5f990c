import { createComponent, type RewardContext, type RewardFn, type RewardSample } from "@verlet/core";
import { loadBuiltins } from "@verlet/config";
import { beforeAll, expect, test } from "vitest";
import { rewardContract } from "../../../contracts/reward.js";

beforeAll(() => loadBuiltins());

const context: RewardContext = { options: {}, step: 0, signal: new AbortController().signal };

function score(source: unknown, completion: string, answer: string, options = {}): ReturnType<RewardFn> {
  const sample = { completion, answer, answerColumn: "answer", finished: true, completionIds: [1], row: { data_source: source, answer } } as unknown as RewardSample;
  return (createComponent("reward", "by_data_source", options).score as RewardFn)(sample, context);
}

/** verl's default_compute_score sends each source to a scorer whose numbers tell it apart. */
const cases: [source: string, completion: string, answer: string, expected: number][] = [
  ["openai/gsm8k", "#### 72", "72", 1],
  ["openai/gsm8k", "#### 72.0", "72", 0],
  ["lighteval/MATH", "\\boxed{\\frac12}", "\\frac{1}{2}", 1],
  ["DigitalLearningGmbH/MATH-lighteval", "\\boxed{2}", "3", 0],
  ["HuggingFaceH4/MATH-500", "\\boxed{3}", "3", 1],
  ["math_dapo", "Answer: 5", "5", 1],
  ["math", "Answer: 6", "5", -1],
  ["math_dapo_reasoning", "Answer: 5", "5", 1],
  ["aime2024", "Answer: 6", "5", -1],
];

test.each(cases)("%s: %j against %j is %d", async (source, completion, answer, expected) => {
  expect(await score(source, completion, answer)).toBe(expected);
});

test("a source of the user's is named in the options, and may stand over verl's", async () => {
  expect(await score("mine", "so 5.0", "5", { sources: { mine: "accuracy" } })).toBe(1);
  expect(await score("openai/gsm8k", "so 5.0", "5", { sources: { "openai/gsm8k": "accuracy" } })).toBe(1);
});

test("an unknown source and a row without one say what there is", () => {
  expect(() => score("numina_aops", "", "")).toThrow('[reward] no scorer for this data_source: got "numina_aops", expected openai/gsm8k, lighteval/MATH, math_dapo, aime…, or one under the option `sources`. Name a reward for it in `sources`, or set another reward.');
  expect(() => score(undefined, "", "")).toThrow("[reward] the row has no data_source: got columns data_source, answer");
});

rewardContract("by_data_source", {}, { answer: "42", data_source: "openai/gsm8k" });
