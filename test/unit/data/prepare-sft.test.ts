import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { ChatTokenizer, DataSection, Message, Row } from "@verlet/core";
import { DataError } from "@verlet/core";
import { collate, describeReport, prepareSft } from "@verlet/data";
import { loadTokenizer } from "@verlet/model";
import { CharTokenizer } from "../../helpers/char-tokenizer.js";
import { fixture, readJson } from "../../helpers/fixtures.js";

type Section = Pick<DataSection, "columns" | "chatTemplate" | "trainOn" | "maxLength">;
const defaults: Section = { columns: {}, chatTemplate: "auto", trainOn: "auto", maxLength: 1024 };
const at = (i: number): string => `rows.jsonl:${i + 1}`;
const prepare = (rows: Row[], tokenizer: ChatTokenizer, section: Partial<Section> = {}) => prepareSft(rows, tokenizer, { ...defaults, ...section }, at);
const chars = new CharTokenizer();

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "verlet-sft-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** A fixture's tokenizer with one file replaced. */
async function withFile(model: string, name: string, content: string): Promise<ChatTokenizer> {
  const copy = await mkdtemp(join(folder, "model-"));
  await (await loadTokenizer(fixture(`models/${model}`))).save(copy);
  await writeFile(join(copy, name), content);
  return loadTokenizer(copy);
}

/** The trained tokens of the first example as text, with one string per unbroken run. */
function trained(rows: Row[], section: Partial<Section> = {}, tokenizer: ChatTokenizer = chars): string[] {
  const { ids, mask } = prepare(rows, tokenizer, section).examples[0]!;
  return tokenizer.decode(ids.map((id, i) => (mask[i] === 1 ? id : "\n".charCodeAt(0)))).split(/\n+/).filter(Boolean);
}

interface Preparation {
  tokenizer: string;
  cases: {
    tokenizer?: string;
    config: { completion_only_loss?: boolean; max_length?: number; assistant_only_loss?: boolean };
    rows: Row[];
    tokenized: { input_ids: number[]; labels: number[] }[];
    batch: { input_ids: number[][]; labels: number[][]; attention_mask: number[][] };
  }[];
}

describe("preparation as TRL's SFTTrainer", () => {
  const { preparation } = readJson<{ preparation: Preparation }>("losses/trl_sft.json");

  it.each(preparation.cases.map((one, i) => ({ ...one, i })))("case $i: $config", async (one) => {
    const tokenizer = await loadTokenizer(fixture(one.tokenizer ?? preparation.tokenizer));
    const trainOn = one.config.assistant_only_loss ? "assistant" : one.config.completion_only_loss === false ? "all" : "auto";
    const { examples } = prepare(one.rows, tokenizer, { trainOn, maxLength: one.config.max_length ?? 1024 });

    const labels = examples.map(({ ids, mask }) => ids.map((id, t) => (mask[t] === 1 ? id : -100)));
    expect(examples.map(({ ids }) => ids)).toEqual(one.tokenized.map(({ input_ids }) => input_ids));
    expect(labels).toEqual(one.tokenized.map((row) => row.labels));

    const { ids, lengths, rows, width } = collate(examples.map((example) => example.ids), tokenizer.padTokenId);
    const unflat = Array.from({ length: rows }, (_, b) => [...ids.slice(b * width, (b + 1) * width)]);
    expect(unflat).toEqual(one.batch.input_ids);
    expect([...lengths]).toEqual(one.batch.attention_mask.map((row) => row.reduce((a, b) => a + b)));
  });

  it("has all eight cases", () => expect(preparation.cases).toHaveLength(8));
});

describe("assistant turns", () => {
  const tables = ["qwen3", "llama", "qwen2", "qwen3-sharded"].map((name) => ({
    name,
    ...readJson<{ generation_template: string; assistant_masks: { messages: Message[]; ids: number[]; assistant_mask: number[] }[] }>(
      `tokenization/${name}-chat.json`,
    ),
  }));

  it.each(tables)("are what Python marks, by generation blocks and without them: $name", async ({ name, generation_template, assistant_masks }) => {
    for (const marked of [true, false]) {
      const template = marked ? generation_template : generation_template.replace(/\{%- (end)?generation %\}/g, "{%- if true %}{%- endif %}");
      const tokenizer = await withFile(name, "chat_template.jinja", template);
      expect(tokenizer.renderMarkedChat!([{ role: "user", content: "" }]) !== undefined).toBe(marked);
      for (const { messages, ids, assistant_mask } of assistant_masks) {
        const { examples } = prepare([{ messages }], tokenizer, { trainOn: "assistant" });
        expect(examples[0]!.ids).toEqual(ids);
        expect([...examples[0]!.mask]).toEqual(assistant_mask);
      }
    }
  });

  const chat = [
    { role: "user", content: "q1" },
    { role: "assistant", content: "a1" },
    { role: "user", content: "q2" },
    { role: "assistant", content: "a2" },
  ];

  it("of a prompt and its completion are all trained", () => {
    const row = { prompt: chat.slice(0, 3), completion: chat.slice(3) };
    expect(trained([row], { trainOn: "assistant" })).toEqual(["a1|", "a2|"]);
    expect(trained([row])).toEqual(["a2|"]);
  });

  it("may be rendered in another way once more follows, as thoughts are by Qwen3", () => {
    const dropsThoughts = new CharTokenizer(({ role, content }, i, all) => {
      const last = i === all.length - 1;
      return role === "assistant" ? `<a>${last ? "(think)" : ""}${content}|` : `<u>${content}|`;
    });
    expect(trained([{ messages: chat }], { trainOn: "assistant" }, dropsThoughts)).toEqual(["a1|", "(think)a2|"]);
  });

  it("stop a run when the template changes earlier text", () => {
    const counts = new CharTokenizer(({ role, content }, _, all) => `<${role[0]}>${all.length}${content}|`);
    expect(() => prepare([{ messages: chat }], counts, { trainOn: "assistant" })).toThrow(
      '[rows.jsonl:1] the chat template changes earlier text when an answer follows (from character 3 on): got "<u>4q1|',
    );
    expect(() => prepare([{ prompt: chat.slice(0, 1), completion: chat.slice(1, 2) }], counts)).toThrow(/changes earlier text/);
  });
});

describe("stop tokens", () => {
  const chat = { messages: [{ role: "user", content: "Hi" }, { role: "assistant", content: "Hello" }] };
  const noStop = new CharTokenizer(({ role, content }) => (role === "assistant" ? `<a>${content}\n` : `<u>${content}|`));

  it("outside the trained part are an error that shows the sample", () => {
    expect(() => prepare([{ prompt: "Hi", completion: "Hello" }], noStop, { chatTemplate: "always" })).toThrow(
      '[rows.jsonl:1] the chat template leaves the stop token untrained, so the model would never learn to stop: ' +
        'got "<u>Hi|<a>⟦Hello\\n⟧" with ⟦⟧ around what is trained, expected | inside the trained part. Add the token that ends a turn',
    );
    expect(() => prepare([chat], noStop, { trainOn: "assistant" })).toThrow(/⟦Hello\\n⟧/);
  });

  it("of another turn do not count", () => {
    // The user's turn after the assistant's holds the only stop token.
    const more = { messages: [...chat.messages, { role: "user", content: "Bye" }] };
    expect(() => prepare([more], noStop, { trainOn: "assistant" })).toThrow(/leaves the stop token untrained/);
  });

  it("are appended to plain strings once", () => {
    expect(trained([{ text: "abc" }])).toEqual(["abc|"]);
    expect(trained([{ text: "abc|" }])).toEqual(["abc|"]);
    expect(trained([{ prompt: "q: ", completion: "a" }])).toEqual(["a|"]);
  });
});

describe("plain prompts and completions", () => {
  it("are wrapped as a chat with chatTemplate: always", () => {
    const { examples } = prepare([{ prompt: "Hi", completion: "Hello" }], chars, { chatTemplate: "always" });
    expect(chars.decode(examples[0]!.ids)).toBe("<u>Hi|<a>Hello|");
    expect(trained([{ prompt: "Hi", completion: "Hello" }], { chatTemplate: "always" })).toEqual(["Hello|"]);
  });

  it("become a chat beside a part that is one", () => {
    expect(trained([{ prompt: [{ role: "user", content: "Hi" }], completion: "Hello" }])).toEqual(["Hello|"]);
  });

  it("are trained throughout with trainOn: all", () => {
    expect(trained([{ prompt: "q", completion: "a" }], { trainOn: "all" })).toEqual(["qa|"]);
  });

  it("come from mapped columns", () => {
    const row = { question: "q", solution: "a", text: "unused" };
    expect(trained([row], { columns: { prompt: "question", completion: "solution" } })).toEqual(["a|"]);
    expect(trained([row])).toEqual(["unused|"]);
    expect(trained([{ prompt: "q", completion: "a", text: "unused" }])).toEqual(["a|"]);
  });

  it("are tokenised apart where they would share a token, as they are when sampled", async () => {
    const tokenizer = await loadTokenizer(fixture("models/llama"));
    const [prompt, completion] = ["1", "2"]; // this tokenizer writes "12" as one token
    const together = tokenizer.encode(prompt + completion);
    const { examples, report } = prepare([{ prompt, completion }], tokenizer);
    expect(examples[0]!.ids).not.toEqual([...together, tokenizer.eosTokenId]);
    expect(examples[0]!.ids).toEqual([
      ...tokenizer.encode(prompt),
      ...tokenizer.encode(completion, { addSpecialTokens: false }),
      tokenizer.eosTokenId,
    ]);
    expect([...examples[0]!.mask]).toEqual([0, 0, 1, 1]); // bos, "1" | "2", eos
    expect(report.split).toBe(1);
  });
});

describe("counts", () => {
  it("tell what was cut, dropped and trained", () => {
    const rows = [
      { prompt: "12", completion: "345" }, // 6 tokens with the stop token, 4 trained
      { prompt: "12", completion: "34567" }, // 8 → 6 tokens, 4 trained
      { prompt: "123456", completion: "7" }, // the completion starts where the row is cut
    ];
    const { examples, report } = prepare(rows, chars, { maxLength: 6 });
    expect(examples.map(({ row }) => row)).toEqual([rows[0], rows[1]]);
    expect(chars.decode(examples[1]!.ids)).toBe("123456");
    const dropped = { "no trained token within 6 tokens": 1 };
    expect(report).toEqual({ read: 3, kept: 2, dropped, truncated: 1, tokens: 12, trainedTokens: 8, split: 0, templated: 0 });
    expect(describeReport(report)).toBe(
      "3 rows read, 2 kept, 1 dropped (no trained token within 6 tokens), 1 truncated, 12 tokens, 8 of them trained, no chat template",
    );
  });

  it("leave out a row's first token, which nothing predicts", () => {
    expect(prepare([{ text: "abc" }], chars).report).toMatchObject({ tokens: 4, trainedTokens: 3 });
    expect(() => prepare([{ text: "abc" }], chars, { maxLength: 1 })).toThrow(
      "[rows.jsonl:1] all 1 rows were dropped: got no trained token within 1 tokens, expected at least one row with a token to train. Raise data.maxLength.",
    );
  });
});

describe("rows that cannot be prepared", () => {
  it.each<[string, Row[], Partial<Section>, string]>([
    ["an empty data set", [], {}, "there are no rows to train on: got 0 rows"],
    [
      "no known columns",
      [{ question: "q", solution: "a" }],
      {},
      '[rows.jsonl:1] no columns to train on: got columns question, solution, expected "prompt" and "completion", "messages", "text", or rows of Alpaca, ShareGPT or GSM8K. ' +
        "Set data.columns.prompt and data.columns.completion",
    ],
    [
      "a later row without a column",
      [{ prompt: "q", completion: "a" }, { prompt: "q" }],
      {},
      '[rows.jsonl:2] no column "completion": got columns prompt, expected a column that holds the completion. Set data.columns.completion to its name.',
    ],
    ["a mapped column that is missing", [{ a: "q" }], { columns: { text: "b" } }, '[rows.jsonl:1] no column "b": got columns a'],
    ["a number for a text", [{ text: 7 }], {}, '[rows.jsonl:1] column "text" holds no text: got a number, expected a string.'],
    ["null for a prompt", [{ prompt: null, completion: "a" }], {}, 'column "prompt" holds neither text nor messages: got null'],
    ["messages as a string", [{ messages: "Hi" }], {}, 'column "messages" is no list of messages: got "Hi", expected a list of messages such as'],
    ["no messages", [{ messages: [] }], {}, 'column "messages" holds no message'],
    ["a message in parts", [{ messages: [{ role: "user", content: [] }] }], {}, 'holds something that is no message: got {"role":"user","content":[]}'],
    ["trainOn that does not fit", [{ text: "a" }], { trainOn: "completion" }, "data.trainOn does not fit text rows: got completion, expected auto, all."],
    ["trainOn: assistant on strings", [{ prompt: "q", completion: "a" }], { trainOn: "assistant" }, "data.trainOn: assistant needs a chat"],
    ["text rows in a template", [{ text: "a" }], { chatTemplate: "always" }, "data.chatTemplate: always does not fit text rows"],
    ["messages without a template", [{ messages: [{ role: "user", content: "Hi" }] }], { chatTemplate: "never" }, "messages cannot be joined without a chat template"],
  ])("%s", (_, rows, section, words) => {
    const run = (): unknown => prepare(rows, chars, section);
    expect(run).toThrow(DataError);
    expect(run).toThrow(words);
  });

  it("has the row's place on errors of the template", async () => {
    const { chat_template: _, ...config } = readJson<Record<string, unknown>>("models/qwen2/tokenizer_config.json");
    const tokenizer = await withFile("qwen2", "tokenizer_config.json", JSON.stringify(config));
    expect(() => prepare([{ messages: [{ role: "user", content: "Hi" }] }], tokenizer)).toThrow(/^\[rows\.jsonl:1\] this tokenizer has no chat template/);
  });
});
