import { describe, expect, it } from "vitest";
import type { DataSection, Row } from "@verlet/core";
import { answerOf, preparePrompts, prepareSft, readRows, rewardSamples, wordProblems } from "@verlet/data";
import "@verlet/plugins/dataset-json";
import { CharTokenizer } from "../../helpers/char-tokenizer.js";

const chars = new CharTokenizer();
const at = (i: number): string => `rows.jsonl:${i + 1}`;
const section = { columns: {}, chatTemplate: "auto", trainOn: "auto", maxLength: 4096, maxPromptTokens: 4096 } as const;
type Some = Partial<Pick<DataSection, "columns" | "chatTemplate" | "trainOn">>;

/** What is trained on, ⟦trained⟧. */
function sft(row: Row, some: Some = {}): string {
  const { ids, mask } = prepareSft([row], chars, { ...section, ...some }, at).examples[0]!;
  return ids.map((id, i) => `${mask[i] && !mask[i - 1] ? "⟦" : ""}${String.fromCharCode(id)}${mask[i] && !mask[i + 1] ? "⟧" : ""}`).join("");
}
const prompt = (row: Row, some: Some = {}): string => preparePrompts([row], chars, { ...section, ...some }, at).prompts[0]!.text;

describe("Alpaca rows", () => {
  const row = { instruction: "Add.", input: "2 and 3", output: "5", text: "Below is …" };

  it("are a user's turn of instruction and input, and the answer", () => {
    expect(sft(row)).toBe("<u>Add.\n2 and 3|<a>⟦5|⟧");
    expect(prompt(row)).toBe("<u>Add.\n2 and 3|<a>");
    expect(prompt({ ...row, input: "" })).toBe("<u>Add.|<a>");
    expect(prompt({ instruction: "Hi", output: "" })).toBe("<u>Hi|<a>");
  });

  it("may have a system prompt and earlier turns", () => {
    expect(prompt({ ...row, system: "Be short.", history: [["1+1?", "2"]] })).toBe("<s>Be short.|<u>1+1?|<a>2|<u>Add.\n2 and 3|<a>");
  });

  it("give way to columns that are named, or are there", () => {
    expect(prompt(row, { columns: { prompt: "instruction" } })).toBe("Add.");
    expect(prompt({ ...row, prompt: "Mine" })).toBe("Mine");
    expect(sft(row, { columns: { text: "text" } })).toBe("⟦Below is …|⟧");
  });

  it("need a chat template", () => {
    expect(() => sft(row, { chatTemplate: "never" })).toThrow("[rows.jsonl:1] messages cannot be joined without a chat template");
  });
});

describe("ShareGPT rows", () => {
  const row = { conversations: [{ from: "human", value: "Hi" }, { from: "gpt", value: "Hello" }, { from: "human", value: "Bye" }, { from: "gpt", value: "Ciao" }] };

  it("are chats, with the roles they mean", () => {
    expect(sft(row)).toBe("⟦<u>Hi|<a>Hello|<u>Bye|<a>Ciao|⟧");
    expect(sft(row, { trainOn: "assistant" })).toBe("<u>Hi|<a>⟦Hello|⟧<u>Bye|<a>⟦Ciao|⟧");
    expect(sft({ conversations: [{ from: "system", value: "S" }, ...row.conversations] }, { trainOn: "assistant" })).toMatch(/^<s>S\|<u>Hi/);
    expect(sft({ ...row, system: "S" })).toMatch(/^⟦<s>S\|<u>Hi/);
    expect(sft(row, { columns: { messages: "conversations" } })).toBe(sft(row));
  });

  it("are asked their last question again by RL, as messages are", () => {
    expect(prompt(row)).toBe("<u>Hi|<a>Hello|<u>Bye|<a>");
    expect(prompt({ messages: [{ role: "user", content: "Hi" }] })).toBe("<u>Hi|<a>");
    expect(prompt({ chat: row.conversations }, { columns: { messages: "chat" } })).toBe("<u>Hi|<a>Hello|<u>Bye|<a>");
    expect(() => prompt({ messages: [{ role: "assistant", content: "Hi" }] })).toThrow('[rows.jsonl:1] column "messages" holds an answer alone: expected a question before it');
  });

  it.each([
    ["an unknown role", [{ from: "robot", value: "x" }], 'column "conversations" holds a message from "robot", which is none of human, user, gpt'],
    ["a message without text", [{ from: "human" }], 'column "conversations" holds something that is no message: got {"from":"human"}'],
    ["null", [null], 'column "conversations" holds something that is no message: got null'],
    ["no message", [], 'column "conversations" holds no message'],
  ])("are refused with %s", (_, conversations, words) => {
    expect(() => sft({ conversations })).toThrow(`[rows.jsonl:1] ${words}`);
  });
});

describe("GSM8K rows", () => {
  const row = { question: "48 and half of it?", answer: "Half is 48/2 = <<48/2=24>>24.\nSum: 48+24 = <<48+24=72>>1,072.\n#### 1,072" };

  it("have the question as prompt and the whole solution as completion", () => {
    expect(prompt(row)).toBe(row.question);
    expect(sft(row)).toBe(`${row.question}⟦${row.answer}|⟧`);
    expect(sft(row, { chatTemplate: "always" })).toBe(`<u>${row.question}|<a>⟦${row.answer}|⟧`);
  });

  it("have the number after #### as what rewards compare with, whatever the prompt's column", () => {
    expect(answerOf(row, "answer")).toBe("1072");
    expect(answerOf({ ...row, answer: "#### -3.50 " }, "answer")).toBe("-3.50");
    const [made] = preparePrompts([row], chars, section, at).prompts;
    const rollout = { prompt: made!, group: 0, completion: "x", completionIds: [1], finished: true, logProbs: new Float32Array(1) };
    expect(rewardSamples([rollout], "answer")[0]).toMatchObject({ answer: "1072", row });
  });

  it("leave other answers as they are", () => {
    expect(answerOf({ question: "?", answer: "72" }, "answer")).toBe("72");
    expect(answerOf({ ...row, gold: "a #### b" }, "gold")).toBe("a #### b");
    expect(answerOf({ answer: "x #### 3" }, "answer")).toBe("x #### 3");
    expect(answerOf({ question: "?", answer: 72 }, "answer")).toBe(72);
    expect(answerOf(row, "none")).toBeUndefined();
  });
});

describe("the word problems", () => {
  it.each([["train", 40], ["test", 12]] as const)("%s: %i rows in GSM8K's layout, whose calculations are right and lead to the answer", async (split, count) => {
    const { rows } = await readRows(wordProblems(split));
    expect(rows).toHaveLength(count);
    for (const row of rows as { question: string; answer: string }[]) {
      expect(Object.keys(row)).toEqual(["question", "answer"]);
      const marks = [...row.answer.matchAll(/<<([-+*/().\d]+)=(-?[\d.]+)>>(-?[\d.]*\d)/g)];
      expect(marks.length, row.question).toBeGreaterThan(0);
      for (const [, sum, result, written] of marks) {
        expect(Number(new Function(`return ${sum}`)()), `${row.question} ${sum}`).toBeCloseTo(Number(result), 9);
        expect(written).toBe(result);
      }
      expect(Number(answerOf(row, "answer")), row.question).toBe(Number(marks.at(-1)![2]));
    }
  });

  it("share no question", async () => {
    const questions = (await Promise.all((["train", "test"] as const).map((split) => readRows(wordProblems(split))))).flatMap(({ rows }) => rows.map(({ question }) => question));
    expect(new Set(questions).size).toBe(52);
  });
});
