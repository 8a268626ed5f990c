import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { fixture, readJson } from "../../helpers/fixtures.js";
import { output, verlet } from "./run-cli.js";

interface Generation {
  max_new_tokens: number;
  rows: { text: string; new_ids: number[]; finished_by_eos: boolean; new_text_skip_special: string }[];
}

const folder = mkdtempSync(join(tmpdir(), "verlet-eval-"));
const { max_new_tokens, rows } = readJson<Generation>("models/qwen3/generation.json");
const data = join(folder, "questions.jsonl");
// The three greedy answers end with the numbers 10, 8 and 10; the second question asks for something else.
writeFileSync(data, rows.map(({ text }, i) => `${JSON.stringify({ question: text, right: ["10", "9", "10"][i] })}\n`).join(""));
const plugin = join(folder, "concise.ts");
writeFileSync(
  plugin,
  `import { registerReward, z } from "verlet";
const options: z.ZodType<{ limit: number }> = z.strictObject({ limit: z.int().default(3) });
export const concise = registerReward("concise", { options, doc: "Short answers." })(({ completionIds }, { options }) =>
  completionIds.length > 23 ? null : completionIds.length <= options.limit ? 1 : 0,
);
`,
);
const args = ["eval", "--model", fixture("models/qwen3"), "--backend", "wasm", "--data", data, "--columns", "prompt=question,answer=right"];

test("greedy answers are scored by built-in and own rewards, measured, and written down", async () => {
  const details = join(folder, "new", "details.jsonl");
  const rewards = ["--reward", "accuracy", "--reward", 'concise:{"limit":22}', "--plugins", plugin];
  const result = JSON.parse(await output([...args, ...rewards, "--max-new-tokens", String(max_new_tokens), "--details", details, "--json"])) as {
    rows: number;
    backend: string;
    metrics: Record<string, number>;
  };
  expect(result).toMatchObject({ rows: 3, backend: "wasm" });
  // Lengths 24, 22 and 24: only the second is short enough to be scored by concise. The third runs into the limit.
  expect(result.metrics).toEqual({
    "rewards/accuracy/mean": expect.closeTo(2 / 3, 6) as number,
    "rewards/accuracy/std": expect.closeTo(Math.sqrt(1 / 3), 6) as number,
    "rewards/concise/mean": 1,
    "rewards/concise/unscored": 2,
    "completions/mean_length": expect.closeTo(70 / 3, 6) as number,
    "completions/max_length": 24,
    "completions/finished_ratio": expect.closeTo(2 / 3, 6) as number,
  });
  const lines = readFileSync(details, "utf8").trimEnd().split("\n").map((line) => JSON.parse(line) as Record<string, unknown>);
  expect(lines.map(({ completion, finished, tokens }) => ({ completion, finished, tokens }))).toEqual(
    rows.map(({ new_text_skip_special, finished_by_eos, new_ids }) => ({ completion: new_text_skip_special, finished: finished_by_eos, tokens: new_ids.length })),
  );
  expect(lines.map(({ rewards }) => rewards)).toEqual([{ accuracy: 1, concise: null }, { accuracy: 0, concise: 1 }, { accuracy: 1, concise: null }]);
});

test("people get a heading and one line per number", async () => {
  const text = await output([...args, "--reward", "accuracy", "--max-samples", "1", "--max-new-tokens", "2"]);
  expect(text).toMatch(/^1 rows of .*questions\.jsonl, answered by .*qwen3 on wasm in [\d.]+ s\n/);
  expect(text.split("\n").slice(1)).toEqual(["  rewards/accuracy/mean       0", "  completions/mean_length     2", "  completions/max_length      2", "  completions/finished_ratio  0", ""]);
});

const wrong: [name: string, args: string[], code: number, words: string][] = [
  ["an unknown reward", ["--reward", "acuracy"], 1, 'error [reward acuracy] unknown reward: got "acuracy", expected one of accuracy, '],
  ["a wrong option", ["--reward", 'length_penalty:{"maxLenght":3}'], 1, "error [reward length_penalty] wrong options (it takes: maxLength, unit): "],
  ["options that are no JSON", ["--reward", "length_penalty:maxLength=3"], 2, "error: --reward length_penalty:maxLength=3: what follows the colon is no JSON object; "],
];
test.each(wrong)("%s is named before the model is loaded", async (_, rewards, status, words) => {
  const { code, stdout, stderr } = await verlet([...args, ...rewards]);
  expect({ code, stdout }).toEqual({ code: status, stdout: "" });
  expect(stderr.startsWith(words), stderr).toBe(true);
});
