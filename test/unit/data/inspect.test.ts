import { describe, expect, it, test } from "vitest";
import { DataError, type Row } from "@verlet/core";
import { BrokenRows, inspectRows, readRows, spreadOf, wordProblems, type InspectOptions, type InspectReport } from "@verlet/data";
import "@verlet/plugins/dataset-json";
import { CharTokenizer } from "../../helpers/char-tokenizer.js";

const options: InspectOptions = { columns: {}, chatTemplate: "auto", trainOn: "auto", maxLength: 1024, maxPromptTokens: 512, samples: 1 };
const rowSet = (rows: readonly Row[], file = "rows.jsonl") => ({ rows, where: (i: number) => `${file}:${i + 1}` });
const inspect = (rows: readonly Row[], some: Partial<InspectOptions> = {}): InspectReport => inspectRows(rowSet(rows), { ...options, ...some });
const fitting = ({ fits }: InspectReport): Record<string, number> => Object.fromEntries(fits.filter(({ rows }) => rows > 0).map(({ trainer, rows }) => [trainer.split(" ")[0]!, rows]));

describe("which training the columns fit", () => {
  const chat = [{ role: "user", content: "Hi" }];
  it.each<[string, Row, object]>([
    ["prompt and completion", { prompt: "q", completion: "a" }, { SFT: 1, RL: 1 }],
    ["a prompt", { prompt: "q", answer: "1" }, { RL: 1 }],
    ["text", { text: "t" }, { SFT: 1 }],
    ["a chat", { messages: [...chat, { role: "assistant", content: "Hello" }] }, { SFT: 1, RL: 1 }],
    ["pairs", { prompt: "q", chosen: "a", rejected: "b" }, { RL: 1, DPO: 1, reward: 1 }],
    ["pairs of chats", { chosen: chat, rejected: [{ role: "user", content: "Ho" }] }, { DPO: 1, reward: 1 }],
    ["labels", { prompt: "q", completion: "a", label: true }, { SFT: 1, RL: 1, KTO: 1 }],
    ["none", { x: 1 }, {}],
  ])("%s", (_, row, fits) => {
    expect(fitting(inspect([row]))).toEqual(fits);
  });

  it("knows Alpaca, ShareGPT and GSM8K", async () => {
    const report = inspectRows(await readRows(wordProblems("train")), options);
    expect(report).toMatchObject({ layout: "GSM8K", rows: 40, answers: 40, problems: [], duplicates: [], unit: "characters" });
    expect(fitting(report)).toEqual({ SFT: 40, RL: 40 });
    expect(inspect([{ instruction: "a", output: "b" }]).layout).toBe("Alpaca");
    expect(inspect([{ conversations: [{ from: "human", value: "a" }] }]).layout).toBe("ShareGPT");
    expect(inspect([{ prompt: "a" }]).layout).toBeUndefined();
    expect(inspect([{ messages: [{ role: "user", content: "a" }] }]).layout).toBeUndefined(); // the usual form, without a name
  });
});

describe("what is wrong with single rows", () => {
  const good = Array.from({ length: 6 }, (_, i) => ({ prompt: `q${i}`, completion: `a${i}` }));

  it("names row, column and cause, each once", () => {
    const { problems } = inspect([...good, { prompt: "q" }, { prompt: 7, completion: "a" }, { prompt: "q9", completion: " " }, { prompt: "", completion: "a" }, { prompt: "q", completion: null }]);
    expect(problems).toEqual([
      { where: "rows.jsonl:7", what: "no columns to train on: columns prompt" },
      { where: "rows.jsonl:8", column: "prompt", what: 'column "prompt" holds neither text nor messages: a number' },
      { where: "rows.jsonl:9", column: "completion", what: 'column "completion" is empty: nothing to train on' },
      { where: "rows.jsonl:10", column: "prompt", what: 'column "prompt" is empty: a prompt without text' },
      { where: "rows.jsonl:11", column: "completion", what: 'column "completion" holds neither text nor messages: null' },
    ]);
  });

  it("sees slips that training would take: misspelled roles, chats without an answer, empty answers of pairs", () => {
    const turn = (role: string, content: string): object => ({ role, content });
    const chats = good.map(({ prompt, completion }) => ({ messages: [turn("user", prompt), turn("assistant", completion)] }));
    expect(inspect([...chats, { messages: [turn("user", "q"), turn("asistant", "a")] }, { messages: [turn("user", "q")] }, { messages: [turn("user", "q"), turn("assistant", " ")] }]).problems).toEqual([
      { where: "rows.jsonl:7", column: "messages", what: 'column "messages" holds a message of an unknown role: "asistant"' },
      { where: "rows.jsonl:8", column: "messages", what: 'column "messages" holds no answer: a chat in which the assistant says nothing' },
      { where: "rows.jsonl:9", column: "messages", what: 'column "messages" holds no answer: a chat in which the assistant says nothing' },
    ]);
    const pairs = good.map(({ prompt, completion }) => ({ prompt, chosen: completion, rejected: "no" }));
    expect(inspect([...pairs, { prompt: "q", chosen: "", rejected: "no" }]).problems).toEqual([{ where: "rows.jsonl:7", column: "chosen", what: 'column "chosen" is empty: an answer without text' }]);
    expect(inspect([{ messages: [turn("system", "s"), turn("user", "q"), turn("tool", "t"), turn("assistant", "a")], steps: [turn("planner", "p")] }]).problems).toEqual([]);
  });

  it("says nothing of a training that the rows are not for", () => {
    expect(inspect([...good, { prompt: "q", completion: "a", label: true }]).problems).toEqual([]);
    expect(inspect(good.map(({ prompt }) => ({ prompt, chosen: "a", rejected: "a" }))).problems).toEqual([]);
  });

  it("counts the types of each column", () => {
    expect(inspect([{ prompt: "a", n: 1 }, { prompt: null, n: [] }, { n: {} }]).columns).toEqual([
      { name: "prompt", types: { text: 1, null: 1, missing: 1 } },
      { name: "n", types: { number: 1, list: 1, mapping: 1 } },
    ]);
  });

  it("tells of a template that would leave the stop token untrained", () => {
    const unstopped = new CharTokenizer(({ role, content }) => `<${role[0]}>${content}`);
    expect(inspect([{ messages: [{ role: "user", content: "Hi" }] }], { tokenizer: unstopped }).fits[0]).toMatchObject({ rows: 0, missing: expect.stringContaining("leaves the stop token untrained") as string });
  });
});

test("of rows that cannot be read the first hundred are kept, and all are counted", () => {
  const broken = new BrokenRows();
  for (let i = 1; i <= 120; i++) broken.add(new DataError({ where: `rows.jsonl:${i}`, what: "broken JSON", got: "{" }));
  const report = inspect([{ prompt: "q", completion: "a" }], { broken });
  expect(report.broken!.rows).toBe(120);
  expect(report.broken!.first).toHaveLength(100);
  expect(report.broken!.first[99]).toEqual({ where: "rows.jsonl:100", what: "broken JSON: {" });
  expect(inspect([{ prompt: "q" }]).broken).toBeUndefined();
});

describe("lengths", () => {
  it("are those of training, and the limits' doing is counted as training counts it", () => {
    const rows = [4, 9, 12, 40].map((length) => ({ prompt: "p".repeat(length), completion: "abc" }));
    const { lengths, limits, unit } = inspect(rows, { tokenizer: new CharTokenizer(), maxLength: 13, maxPromptTokens: 11 });
    expect(unit).toBe("tokens");
    expect(lengths.map(({ of, spread: { min, max } }) => [of, min, max])).toEqual([["row", 8, 44], ["prompt", 4, 40]]);
    // 4+3+stop = 8 and 9+4 = 13 fit; 12+4 = 16 is cut to one trained token; of 44 none is left.
    expect(limits).toEqual({ maxLength: 13, truncated: 1, dropped: 1, maxPromptTokens: 11, droppedPrompts: 2 });
    expect(inspect(rows).limits).toBeUndefined();
  });

  it("are spread over round stretches", () => {
    expect(spreadOf([3, 8, 17, 17, 41])).toEqual({
      min: 3, median: 17, mean: 17.2, p95: 41, max: 41,
      bins: [[0, 1], [5, 1], [10, 0], [15, 2], [20, 0], [25, 0], [30, 0], [35, 0], [40, 1]].map(([from, count]) => ({ from, to: from! + 4, count })),
    });
    expect(spreadOf([7])).toMatchObject({ median: 7, bins: [{ from: 7, to: 7, count: 1 }] });
  });
});

describe("rows that ask the same", () => {
  it("are found whatever their white space, and in evaluation rows too", () => {
    const rows = [{ prompt: "a b", answer: "1" }, { prompt: "c", answer: "2" }, { prompt: " a\n b ", answer: "3" }];
    const evaluation = rowSet([{ prompt: "x" }, { prompt: "c" }, { prompt: "c" }], "test.jsonl");
    const report = inspect(rows, { evaluation });
    expect(report.duplicates).toEqual([{ where: "rows.jsonl:3", as: "rows.jsonl:1" }]);
    expect(report.overlap).toEqual([{ where: "rows.jsonl:2", as: "test.jsonl:2" }]);
    expect(inspect(rows).overlap).toBeUndefined();
  });

  it("compare whole rows where nothing is asked", () => {
    expect(inspect([{ a: 1 }, { a: 2 }, { a: 1 }]).duplicates).toHaveLength(1);
  });
});

describe("samples", () => {
  it("show what is trained, the stop token among it", () => {
    expect(inspect([{ prompt: "q", completion: "a" }], { tokenizer: new CharTokenizer() }).samples).toEqual([{ where: "rows.jsonl:1", parts: [{ text: "q", trained: false }, { text: "a|", trained: true }] }]);
    const messages = [{ role: "user", content: "Hi" }, { role: "assistant", content: "Ho" }];
    expect(inspect([{ messages }], { trainOn: "assistant" }).samples[0]!.parts).toEqual([{ text: "user: Hi\nassistant: ", trained: false }, { text: "Ho\n", trained: true }]);
  });

  it("show the prompt of rows for RL, and other rows as they are", () => {
    expect(inspect([{ prompt: "q", answer: 1 }]).samples[0]!.parts).toEqual([{ text: "q", trained: false }]);
    expect(inspect([{ x: 1 }, { x: 2 }], { samples: 2 }).samples.map(({ parts }) => parts[0]!.text)).toEqual(['{"x":1}', '{"x":2}']);
  });
});
