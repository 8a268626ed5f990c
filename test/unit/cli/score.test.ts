import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { loadTokenizer } from "@verlet/model";
import { beforeAll, describe, expect, test } from "vitest";
import { Arrays, fixture, maxDifference } from "../../helpers/fixtures.js";
import { readScoredRow } from "../../../packages/cli/dist/scored-row.js";
import { jsonLines, verlet } from "./run-cli.js";

interface Line {
  token_ids: number[];
  logprobs: number[];
  sum: number;
}

const folder = mkdtempSync(join(tmpdir(), "verlet-score-"));
const sumOf = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0);

/** The rows of a model's right-padded case without their padding, and what transformers says of them. */
async function rightCase(model: string): Promise<{ ids: number[]; logprobs: Float32Array }[]> {
  const arrays = await Arrays.read(`models/${model}/expected.safetensors`);
  const [ids, mask, logprobs] = [arrays.ints("right.input_ids"), arrays.ints("right.attention_mask"), arrays.floats("right.logprobs")];
  const [rows, width] = arrays.shape("right.input_ids") as [number, number];
  return Array.from({ length: rows }, (_, row) => {
    const length = sumOf([...mask.slice(row * width, (row + 1) * width)]);
    const start = row * (width - 1);
    return { ids: [...ids.slice(row * width, row * width + length)], logprobs: logprobs.slice(start, start + length - 1) };
  });
}

// The fixtures' tolerance for log-probs in float32.
const TOLERANCE = 2e-4;

test.each(["qwen3", "llama"])("log-probs of token rows are those of transformers: %s", async (model) => {
  const rows = await rightCase(model);
  const file = join(folder, `${model}.jsonl`);
  writeFileSync(file, rows.map(({ ids }) => `${JSON.stringify({ input_ids: ids })}\n`).join(""));
  const lines = await jsonLines<Line>(["score", "--model", fixture(`models/${model}`), "--backend", "wasm", "--input", file]);
  expect(lines.map((line) => line.token_ids)).toEqual(rows.map(({ ids }) => ids.slice(1)));
  lines.forEach(({ logprobs, sum }, i) => {
    expect(maxDifference(logprobs, rows[i]!.logprobs)).toBeLessThan(TOLERANCE);
    expect(sum).toBeCloseTo(sumOf(logprobs), 4);
  });
});

describe("texts, pairs and chats", () => {
  const prompt = "What is 7 + 8?";
  const completion = " It is 15.";
  let text: Line, pair: Line, lone: Line, chat: Line, chatText: Line, sharper: Line;

  beforeAll(async () => {
    const rows = [
      { text: prompt + completion },
      { prompt, completion },
      { input_ids: [5] },
      { prompt: [{ role: "user", content: "Hi" }], completion: [{ role: "assistant", content: "Ho" }] },
      { messages: [{ role: "user", content: "Hi" }, { role: "assistant", content: "Ho" }] },
    ];
    const input = rows.map((row) => JSON.stringify(row)).join("\n\n");
    const args = ["score", "--model", fixture("models/qwen2"), "--backend", "wasm"];
    // Two rows at a time: rows of unlike length share a batch, and the last batch is not full.
    [text, pair, lone, chat, chatText] = (await jsonLines<Line>([...args, "--batch-size", "2"], { input })) as [Line, Line, Line, Line, Line];
    [sharper] = (await jsonLines<Line>([...args, "--temperature", "0.5"], { input: JSON.stringify(rows[0]) })) as [Line];
  }, 120_000);

  test("prompt and completion: the completion's tokens, as they stand in the whole text", () => {
    const tail = pair.token_ids.length;
    expect(tail).toBeGreaterThan(1);
    expect(tail).toBeLessThan(text.token_ids.length);
    expect(text.token_ids.slice(-tail)).toEqual(pair.token_ids);
    expect(maxDifference(pair.logprobs, text.logprobs.slice(-tail))).toBeLessThan(1e-5);
    expect(pair.sum).toBeLessThan(0);
  });

  test("a chat goes through the template; its completion is the end of the whole chat", () => {
    const tail = chat.token_ids.length;
    expect(tail).toBeLessThan(chatText.token_ids.length);
    expect(chatText.token_ids.slice(-tail)).toEqual(chat.token_ids);
    expect(maxDifference(chat.logprobs, chatText.logprobs.slice(-tail))).toBeLessThan(1e-5);
  });

  test("a lone token has nothing before it", () => {
    expect(lone).toEqual({ token_ids: [], logprobs: [], sum: 0 });
  });

  test("the temperature changes the log-probs, not the tokens", () => {
    expect(sharper.token_ids).toEqual(text.token_ids);
    expect(maxDifference(sharper.logprobs, text.logprobs)).toBeGreaterThan(0.01);
  });
});

test("a missing model ends with 1; with --json the error is one line for programs", async () => {
  const [plain, json] = await Promise.all([verlet(["score", "--model", "nowhere"]), verlet(["score", "--model", "nowhere", "--json"])]);
  expect(plain).toMatchObject({ code: 1, stdout: "" });
  expect(plain.stderr).toBe(`error [--model nowhere] no such folder: got ${join(process.cwd(), "nowhere")}. Check the path; it starts where the command is run.\n`);
  expect(json).toMatchObject({ code: 1, stdout: "" });
  expect(JSON.parse(json.stderr)).toMatchObject({ event: "error", error: "ModelError", problems: [{ where: "--model nowhere", what: "no such folder" }] });
});

test("a broken line on standard input is named", async () => {
  const { code, stderr } = await verlet(["score", "--model", fixture("models/qwen3")], { input: '{"text":"a"}\n{"text"' });
  expect(code).toBe(1);
  expect(stderr.startsWith("error [stdin:2] broken JSON (")).toBe(true);
});

describe("a row that cannot be scored", () => {
  const cases: [row: Record<string, unknown>, words: string][] = [
    [{ question: "a" }, '[row 7] nothing to score in this row: got columns question, expected "input_ids", "text", "prompt" and "completion", or "messages".'],
    [{ input_ids: [1, 368] }, "[row 7] input_ids is no list of tokens: got 368 at place 1, expected whole numbers from 0 to 367."],
    [{ input_ids: [1, 2.5] }, "[row 7] input_ids is no list of tokens: got 2.5 at place 1, expected whole numbers from 0 to 367."],
    [{ input_ids: [] }, "[row 7] input_ids is no list of tokens: got an empty list, expected whole numbers from 0 to 367."],
    [{ input_ids: "1 2" }, "[row 7] input_ids is no list of tokens: got a string, expected whole numbers from 0 to 367."],
    [{ text: "" }, "[row 7] there is no token in this row. Leave the row out."],
    [{ text: 5 }, '[row 7] column "text" holds no text: got a number, expected a string.'],
  ];
  test.each(cases)("%j", async (row, words) => {
    const tokenizer = await loadTokenizer(fixture("models/qwen3"));
    expect(() => readScoredRow(row, tokenizer, 368, "row 7")).toThrow(words);
  });
});
