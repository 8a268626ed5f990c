import { readFileSync } from "node:fs";
import { join } from "node:path";
import { tf } from "@verlet/backend";
import { evaluateModel, formatMathDataset } from "@verlet/agents";
import { describe, expect, test } from "vitest";
import { tempFolder } from "../../fakes/temp-folder.js";
import { model, questions, reply, tinyTool } from "./tiny.js";

const evaluate = (more: object = {}): Record<string, unknown> => ({ action: "evaluate", model_path: model, max_new_tokens: 6, backend: "wasm", ...more });

test("the documents' fields and number formats, greedy on the test split", async () => {
  const tool = tinyTool();
  const tensors = tf.memory().numTensors;
  const first = await reply(tool, evaluate());
  expect(first).toMatchObject({ status: "success", model_path: model, num_samples: 3, device: "cpu", dataset: "gsm8k", temperature: 0, backend: "wasm" });
  expect(Object.keys(first).slice(0, 6)).toEqual(["status", "model_path", "num_samples", "accuracy", "average_reward", "device"]);
  expect(first.accuracy).toMatch(/^\d+\.\d{2}%$/);
  expect(first.average_reward).toMatch(/^\d\.\d{4}$/);
  expect(first.seconds).toBeGreaterThan(0);
  expect(JSON.parse(await evaluateModel(evaluate({ batch_size: 1 }), { tool }))).toEqual({ ...first, seconds: expect.any(Number) as number }); // greedy, however it is cut
  expect(tf.memory().numTensors).toBe(tensors);
});

test("a seed says which answers are sampled", async () => {
  const answers = async (more: object): Promise<unknown> => (await reply(tinyTool(), evaluate({ temperature: 1, return_details: true, ...more }))).details;
  expect(await answers({ seed: 42 })).toEqual(await answers({}));
  expect(await answers({ seed: 7 })).not.toEqual(await answers({}));
});

test("every metric, details and a report", async () => {
  const tool = tinyTool();
  const rows = formatMathDataset(questions, { formatType: "rl" }).map((row, i) => ({ ...row, data_source: i < 2 ? "easy" : "hard" }));
  tool.registerDataset("mine", rows);
  tool.registerRewardFunction("mine", (texts) => texts.map((_, i) => i / 4));
  const reportPath = join(tempFolder(), "new/report.json");
  const metrics = ["accuracy_at_k", "average_length", "average_steps", "format_correctness", "per_source"];
  const answer = await reply(tool, evaluate({ dataset: "mine", metrics, k: 2, return_details: true, report_path: reportPath }));
  expect(answer).toMatchObject({ status: "success", num_samples: 4, average_reward: "0.3750", k: 2, format_correctness: "0.00%", per_source: { easy: { accuracy: "0.00%", num_samples: 2 }, hard: { num_samples: 2 } } });
  expect(answer.average_length).toBeGreaterThan(0);
  expect(answer.accuracy_at_k).toMatch(/%$/);
  const details = answer.details as Record<string, unknown>[];
  expect(details).toHaveLength(4);
  expect(details[2]).toMatchObject({ question: "What is 10+7?", ground_truth: "17", correct: false, reward: 0.5, ground_truth_steps: 2, data_source: "hard" });
  const report = JSON.parse(readFileSync(reportPath, "utf8")) as Record<string, unknown>;
  expect(report).toMatchObject({ model_path: model, average_reward: 0.375, accuracy: 0, per_source: { easy: { accuracy: 0, num_samples: 2 } }, details });
});

describe("measures", () => {
  test("by hand", async () => {
    const { measure } = await import("../../../packages/agents/dist/evaluate/measure.js");
    const answer = (group: number, completion: string, right: number | null, row: object = {}) => ({ group, completion, completionIds: [1, 2, 3], finished: true, logProbs: new Float32Array(3), score: right, rewards: { "agents/accuracy": right, other: 2 }, prompt: { ids: [], text: "q", row: { ...row } } });
    const answers = [answer(0, "a\nb\nFinal Answer: 4", 1, { data_source: "x" }), answer(1, "5", 0), answer(2, "?", null)];
    const many = [answer(0, "", 0), answer(0, "", 1), answer(1, "", 0), answer(1, "", 0), answer(2, "", null)];
    const metrics = ["accuracy", "average_reward", "accuracy_at_k", "average_length", "average_steps", "format_correctness", "per_source"] as const;
    const { details, ...measured } = measure({ metrics, rewards: [{ name: "agents/accuracy", weight: 2 }], k: 2 }, answers, many);
    expect(measured).toEqual({
      accuracy: 0.5, averageReward: 1, accuracyAtK: 0.5, k: 2, averageLength: 3, averageSteps: 2 / 3, formatCorrectness: 1 / 3,
      perSource: { x: { accuracy: 1, num_samples: 1 }, "": { accuracy: 0, num_samples: 1 } }, unscored: 1,
    });
    expect(details.map(({ prediction, correct, reward }) => [prediction, correct, reward])).toEqual([["4", true, 2], ["5", false, 0], [null, null, null]]);
    expect(() => measure({ metrics: ["accuracy"], rewards: [], k: 2 }, [answer(0, "", null)], undefined)).toThrow("[evaluate] no question has an answer to compare with: got 1 questions");
  });
});

describe("refusals", () => {
  test.each<[string, object, string | RegExp]>([
    ["use_lora of a whole model", { use_lora: true }, /^参数错误: \[rl_training\] use_lora: got true for .*, expected an adapter's folder/],
    ["k greedy answers", { metrics: ["accuracy_at_k"], temperature: 0 }, /temperature 0, at which all answers are the same/],
    ["k without its metric", { k: 3 }, /k: got 3 without the metric accuracy_at_k, expected both/],
    ["top_p without sampling", { top_p: 0.9 }, /top_p: got 0.9 at temperature 0, where it changes nothing, expected a temperature above 0/],
    ["a seed without sampling", { seed: 7 }, /seed: got 7 at temperature 0, where it changes nothing/],
    ["rows without answers", { custom_dataset: [{ prompt: "a" }] }, /^评估失败: .*ground_truth必须在数据集中提供/],
    ["a wrong number", { max_samples: 0 }, "参数错误: [rl_training] max_samples: got 0, expected at least 1."],
  ])("%s", async (_, more, message) => {
    const answer = await reply(tinyTool(), evaluate(more));
    expect(answer.status).toBe("error");
    if (typeof message === "string") expect(answer.message).toBe(message);
    else expect(answer.message).toMatch(message);
  });

  test("an aborted signal", async () => {
    expect((await reply(tinyTool(), evaluate(), { signal: AbortSignal.abort() })).message).toMatch(/^评估失败: \[evaluate\] it was cancelled: got 0 of 3 questions answered/);
  });
});
