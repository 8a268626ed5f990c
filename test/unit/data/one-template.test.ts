/** The same row is asked in the same tokens whether it is trained on, sampled from or evaluated, and its stop token is trained. */
import { describe, expect, it } from "vitest";
import type { Row } from "@verlet/core";
import { preparePrompts, prepareSft } from "@verlet/data";
import { loadTokenizer } from "@verlet/model";
import { fixture } from "../../helpers/fixtures.js";

const question = "What is 48 + 24?";
const chat = [{ role: "user", content: question }];
const rows: [string, Row, "auto" | "always"][] = [
  ["strings", { prompt: question, completion: " It is 72." }, "auto"],
  ["strings in turns", { prompt: question, completion: "It is 72." }, "always"],
  ["messages", { prompt: chat, completion: [{ role: "assistant", content: "It is 72." }] }, "auto"],
  ["Alpaca", { instruction: "Add.", input: "48 and 24", output: "It is 72." }, "auto"],
  ["GSM8K", { question, answer: "48+24 = <<48+24=72>>72\n#### 72" }, "always"],
];

describe.each(["qwen3", "llama", "qwen2"])("%s", (family) => {
  it.each(rows)("%s", async (_, row, chatTemplate) => {
    const tokenizer = await loadTokenizer(fixture(`models/${family}`));
    const section = { columns: {}, chatTemplate, trainOn: "auto", maxLength: 1024, maxPromptTokens: 1024 } as const;
    const { ids, mask } = prepareSft([row], tokenizer, section, () => "row").examples[0]!;
    const prompt = preparePrompts([row], tokenizer, section, () => "row").prompts[0]!;
    const first = mask.indexOf(1);
    expect(ids.slice(0, first)).toEqual(prompt.ids);
    expect([...mask.subarray(first)].every((one) => one === 1)).toBe(true);
    expect(ids.slice(first).some((id) => tokenizer.stopTokenIds.includes(id))).toBe(true);
  });

  it("ShareGPT: the last answer follows what RL asks", async () => {
    const tokenizer = await loadTokenizer(fixture(`models/${family}`));
    const row = { conversations: [{ from: "human", value: question }, { from: "gpt", value: "It is 72." }] };
    const section = { columns: {}, chatTemplate: "auto", trainOn: "assistant", maxLength: 1024, maxPromptTokens: 1024 } as const;
    const { ids, mask } = prepareSft([row], tokenizer, section, () => "row").examples[0]!;
    const prompt = preparePrompts([row], tokenizer, section, () => "row").prompts[0]!;
    expect(ids.slice(0, mask.indexOf(1))).toEqual(prompt.ids);
    expect(tokenizer.stopTokenIds).toContain(ids[mask.lastIndexOf(1)]);
  });
});
