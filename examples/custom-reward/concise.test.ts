import { expect, test } from "vitest";
import type { RewardContext, RewardSample } from "verlet";
import { createComponent, loadConfig } from "verlet";
import { fileURLToPath } from "node:url";

// Loads the YAML as `verlet train` does, which registers the plugin beside it.
const { config } = await loadConfig(fileURLToPath(new URL("concise.yaml", import.meta.url)));
const choice = config.rewards.find(({ name }) => name === "concise")!;
const reward = createComponent("reward", choice.name, choice.options);

function score(tokens: number, finished = true): ReturnType<NonNullable<typeof reward.score>> {
  const sample: RewardSample = { prompt: "", completion: "", messages: [], completionIds: new Array<number>(tokens).fill(0), finished, row: {}, answer: undefined };
  const context: RewardContext = { options: { ...choice.options }, step: 1, signal: new AbortController().signal };
  return reward.score!(sample, context);
}

test("the YAML weighs it below the accuracy", () => {
  expect(config.rewards.map(({ name, weight }) => [name, weight])).toEqual([["accuracy", 1], ["concise", 0.2]]);
});

test("short completions get the whole reward", () => {
  expect(score(5)).toBe(1);
  expect(score(20)).toBe(1);
});

test("each token more costs 0.05, down to 0", () => {
  expect(score(24)).toBeCloseTo(0.8); // 1 − 0.05 · 4
  expect(score(100)).toBe(0);
});

test("a completion that was cut off is not scored", () => expect(score(5, false)).toBeNull());
