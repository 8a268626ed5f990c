import { columnOf, findColumn, preparePrompts, rewardSamples } from "@verlet/data";
import type { Prompt, Rollout } from "@verlet/core";
import { expect, test } from "vitest";
import { ByteTokenizer } from "../../fakes/byte-tokenizer.js";

const row = { prompt: "2+2", reward_model: { style: "rule", ground_truth: "4" }, "a.b": 1, a: { b: 2, c: null }, list: [1] };

test("a dotted name leads into columns that hold mappings", () => {
  expect(findColumn(row, "reward_model.ground_truth")).toEqual({ value: "4" });
  expect(findColumn(row, "a.c")).toEqual({ value: null });
});

test("a column of just that name comes first", () => {
  expect(findColumn(row, "a.b")).toEqual({ value: 1 });
});

test.each(["none", "reward_model.none", "prompt.length", "list.0", "a.c.d", "reward_model."])("%s is no column", (name) => {
  expect(findColumn(row, name)).toBeUndefined();
});

test("a row without it names the columns there are", () => {
  expect(() => columnOf(row, { answer: "reward_model.truth" }, "answer", "rows.jsonl:3")).toThrow(
    '[rows.jsonl:3] no column "reward_model.truth": got columns prompt, reward_model, a.b, a, list, expected a column that holds the answer. Set data.columns.answer to its name.',
  );
});

test("rewards get the answer from there, and prompts may stand there", () => {
  const prompt: Prompt = { ids: [1], text: "2+2", row };
  const rollout = { prompt, completion: "4", completionIds: [1], finished: true } as unknown as Rollout;
  expect(rewardSamples([rollout], "reward_model.ground_truth")[0]!.answer).toBe("4");
  expect(rewardSamples([rollout], "reward_model.none")[0]!.answer).toBeUndefined();
  const section = { columns: { prompt: "input.text" }, chatTemplate: "never", maxPromptTokens: 9 } as const;
  expect(preparePrompts([{ input: { text: "hi" } }], new ByteTokenizer(), section, () => "row").prompts[0]!.text).toBe("hi");
});
