import { createMathDataset, createRlDataset, createSftDataset, formatMathDataset, GSM8K, GSM8KDataset, previewDataset } from "@verlet/agents";
import type { Row } from "@verlet/core";
import { preparePrompts } from "@verlet/data";
import { loadTokenizer } from "@verlet/model";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { tempFolder } from "../../fakes/temp-folder.js";
import { chooseTemplate } from "../../../packages/agents/dist/data/choose-template.js";
import { questions, writeQuestions } from "./tiny.js";

const fixture = (path: string): string => join(import.meta.dirname, "../../fixtures", path);

const prompt = "Question: What is 2+2?\n\nLet's solve this step by step:\n";

describe("the documents' formats", () => {
  test("SFT, from a file in GSM8K's layout", async () => {
    const rows = await createSftDataset({ dataset: writeQuestions(tempFolder()), max_samples: 2 } as never);
    const completion = "2+2=<<2+2=4>>4.\n\nFinal Answer: 4";
    expect(rows).toHaveLength(2);
    expect(rows[0]).toEqual({ prompt, completion, text: prompt + completion });
  });

  test("RL, with the same prompt", async () => {
    const rows = await createRlDataset({ dataset: { train: questions } });
    expect(rows[0]).toEqual({ prompt, ground_truth: "4", question: "What is 2+2?", full_answer: questions[0]!.answer });
    expect(rows.at(-1)!.ground_truth).toBe("1,200");
  });

  test.each(["qwen3", "qwen2", "llama"])("RL, as a model sees it: the same tokens as in its training [%s]", async (name) => {
    const modelName = fixture(`models/${name}`);
    const plain = await createRlDataset({ dataset: questions });
    const seen = await createRlDataset({ dataset: questions, modelName });
    expect(seen.map(({ prompt: _, ...rest }) => rest)).toEqual(plain.map(({ prompt: _, ...rest }) => rest));
    expect(seen[0]!.prompt).toContain("user");
    expect(seen[0]!.prompt).not.toBe(plain[0]!.prompt);
    const tokenizer = await loadTokenizer(modelName);
    const idsOf = (rows: readonly Row[]): (readonly number[])[] => preparePrompts(rows, tokenizer, { columns: {}, chatTemplate: chooseTemplate(tokenizer, rows, {}, undefined), maxPromptTokens: 512 }, String).prompts.map(({ ids }) => ids);
    expect(idsOf(seen)).toEqual(idsOf(plain));
  });

  test("of several #### the last one counts; without one the answer is the result", () => {
    const rows = formatMathDataset([{ question: "a", answer: "one #### two #### 3" }, { question: "b", answer: 7 }], { formatType: "sft" });
    expect(rows.map(({ completion }) => completion)).toEqual(["one #### two\n\nFinal Answer: 3", "Final Answer: 7"]);
  });

  test("keep where rows are from, and take another prompt", () => {
    expect(formatMathDataset([{ question: "$& a?", answer: "1", data_source: "mine" }], { formatType: "rl", promptTemplate: "Q: {question}" })).toEqual([{ prompt: "Q: $& a?", ground_truth: "1", question: "$& a?", full_answer: "1", data_source: "mine" }]);
  });

  test("formatted rows stay as they are", async () => {
    const rows = await createRlDataset({ dataset: questions });
    expect(await createRlDataset({ dataset: rows })).toEqual(rows);
  });
});

test("GSM8KDataset and createMathDataset", async () => {
  const dataset = new GSM8KDataset({ split: "test[:1]", formatType: "rl", dataset: { train: [], test: questions } });
  expect(await dataset.load()).toHaveLength(1);
  expect(await dataset.load()).toBe(await dataset.load());
  expect(await createMathDataset({ dataset_name: questions, split: "[-2:]" } as never)).toHaveLength(2);
  expect(await createSftDataset({ dataset: dataset })).toHaveLength(1);
  expect(GSM8K).toBe("hf://openai/gsm8k/main");
});

test("previewDataset", () => {
  let text = "";
  previewDataset([{ question: "a\nb", n: 1 }, { long: "x".repeat(300) }, { c: 1 }], 2, (part) => (text += part));
  expect(text).toBe(`row 1 of 3\n  question: "a\\nb"\n  n: 1\nrow 2 of 3\n  long: "${"x".repeat(199)}…\n`);
});

describe("wrong input", () => {
  test.each<[string, () => unknown, string | RegExp]>([
    ["a missing file", () => createSftDataset({ dataset: "./none.jsonl" }), /^\[\.\/none\.jsonl\] no such file/],
    ["rows that are none", () => createSftDataset({ dataset: [1] as never }), "[createSftDataset:1] the row is not an object: got 1"],
    ["no rows", () => createSftDataset({ dataset: [] }), "the data set is empty"],
    ["a split that is not there", () => createRlDataset({ dataset: { train: questions }, split: "test" }), "[createRlDataset] there is no such split: got test, expected train."],
    ["a part that is empty", () => createRlDataset({ dataset: questions, split: "[9:]" }), "this part of it has no rows"],
    ["an unknown option", () => createRlDataset({ samples: 3 } as never), "[createRlDataset] unknown option: got `samples`"],
    ["a model that is not there", () => createRlDataset({ dataset: questions, modelName: "Qwen/Qwen3-0.6B" }), "[Qwen/Qwen3-0.6B] no such model folder"],
    ["a model for rows to learn from", () => createSftDataset({ dataset: questions, modelName: "./m" }), "[createSftDataset] modelName: got ./m for rows to learn from, expected it for rows to answer alone. Take it out"],
    ["a model where nothing can wait for it", async () => formatMathDataset(questions, { formatType: "rl", modelName: "./m" } as never), "[formatMathDataset] modelName: got ./m, expected it in createRlDataset({ dataset: rows, modelName })."],
    ["a prompt for rows that have one", () => createRlDataset({ dataset: [{ prompt: "a", answer: "1" }], promptTemplate: "{question}" }), "[createRlDataset] promptTemplate: got it for columns prompt, answer, whose prompts are made already"],
    ["a wrong format", () => createMathDataset({ formatType: "dpo" as never }), '[createMathDataset] formatType: got "dpo", expected one of sft, rl.'],
    ["rows that are no questions", async () => formatMathDataset([{ text: "a" }]), '[formatMathDataset] this is no question with its answer: got columns text, expected columns "question" and "answer".'],
  ])("%s", async (_, make, message) => {
    await expect((async () => make())()).rejects.toThrow(message);
  });
});
