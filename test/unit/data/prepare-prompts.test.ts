import { describe, expect, it } from "vitest";
import type { DataSection, Row } from "@verlet/core";
import { describeReport, preparePrompts } from "@verlet/data";
import { loadTokenizer } from "@verlet/model";
import { CharTokenizer } from "../../helpers/char-tokenizer.js";
import { fixture } from "../../helpers/fixtures.js";

type Section = Pick<DataSection, "columns" | "chatTemplate" | "maxPromptTokens">;
const defaults: Section = { columns: {}, chatTemplate: "auto", maxPromptTokens: 20 };
const chars = new CharTokenizer();
const prepare = (rows: Row[], section: Partial<Section> = {}) => preparePrompts(rows, chars, { ...defaults, ...section }, (i) => `rl.jsonl:${i + 1}`);
const user = (content: string) => [{ role: "user", content }];

describe("preparePrompts", () => {
  it("leaves strings as they are and puts messages through the template", () => {
    const rows = [{ prompt: "Hi" }, { prompt: user("Hi") }];
    const { prompts, report } = prepare(rows);
    expect(prompts.map(({ text }) => text)).toEqual(["Hi", "<u>Hi|<a>"]);
    expect(prompts.map(({ ids }) => chars.decode(ids))).toEqual(["Hi", "<u>Hi|<a>"]);
    expect(prompts.map(({ row }) => row)).toEqual(rows);
    expect(report).toEqual({ read: 2, kept: 2, dropped: {}, tokens: 11, templated: 1 });
    expect(describeReport(report)).toBe("2 rows read, 2 kept, none dropped, 11 tokens, 1 through the chat template");
  });

  it("wraps strings with chatTemplate: always, from the mapped column", () => {
    const { prompts } = prepare([{ question: "Hi" }], { columns: { prompt: "question" }, chatTemplate: "always" });
    expect(prompts[0]!.text).toBe("<u>Hi|<a>");
  });

  it("writes the special tokens of a tokenizer once", async () => {
    const llama = await loadTokenizer(fixture("models/llama"));
    const bos = 400;
    const rows = [{ prompt: "Hi" }, { prompt: user("Hi") }];
    const { prompts } = preparePrompts(rows, llama, { ...defaults, maxPromptTokens: 99 }, String);
    // the post-processor adds it to plain text, the template writes it itself
    expect(prompts.map(({ ids }) => ids.filter((id) => id === bos).length)).toEqual([1, 1]);
  });

  it("drops and counts what is too long or empty", () => {
    const { prompts, report } = prepare([{ prompt: "123456" }, { prompt: "12345" }, { prompt: "" }], { maxPromptTokens: 5 });
    expect(prompts.map(({ text }) => text)).toEqual(["12345"]);
    expect(report).toMatchObject({ read: 3, kept: 1, dropped: { "more than 5 tokens": 1, "no token in it": 1 }, tokens: 5 });
  });

  it.each<[string, Row[], Partial<Section>, string]>([
    ["nothing", [], {}, "there are no prompts: got 0 rows"],
    ["all dropped", [{ prompt: "1234" }, { prompt: "123456" }], { maxPromptTokens: 3 }, "[rl.jsonl:2] all 2 prompts were dropped: got up to 6 tokens, expected from 1 to 3 tokens. Raise data.maxPromptTokens."],
    ["a missing column", [{ question: "q" }], {}, '[rl.jsonl:1] no column "prompt": got columns question, expected a column that holds the prompt. Set data.columns.prompt to its name.'],
    ["an answered prompt", [{ prompt: [...user("a"), { role: "assistant", content: "b" }] }], {}, "ends with an assistant message"],
    ["messages without a template", [{ prompt: user("a") }], { chatTemplate: "never" }, "messages cannot be joined without a chat template"],
  ])("refuses %s", (_, rows, section, words) => {
    expect(() => prepare(rows, section)).toThrow(words);
  });
});
