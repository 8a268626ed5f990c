import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { fixture, maxDifference, readJson } from "../../helpers/fixtures.js";
import { jsonLines, output, verlet } from "./run-cli.js";

interface Generation {
  max_new_tokens: number;
  rows: { text: string; prompt_ids: number[]; new_ids: number[]; finished_by_eos: boolean; logprobs: number[]; new_text_skip_special: string }[];
}
interface Line {
  index: number;
  sample: number;
  prompt: string;
  completion: string;
  finished: boolean;
  token_ids: number[];
  logprobs: number[];
}

const folder = mkdtempSync(join(tmpdir(), "verlet-generate-"));
const { max_new_tokens, rows } = readJson<Generation>("models/qwen3/generation.json");
const model = ["--model", fixture("models/qwen3"), "--backend", "wasm"];
const greedy = ["--temperature", "0", "--max-new-tokens", String(max_new_tokens)];

test("greedy completions of a file are those of transformers", async () => {
  const file = join(folder, "prompts.jsonl");
  writeFileSync(file, rows.map(({ text }) => `${JSON.stringify({ question: text })}\n`).join(""));
  const lines = await jsonLines<Line>(["generate", ...model, ...greedy, "--input", file, "--columns", "prompt=question", "--batch-size", "2", "--json"]);
  expect(lines.map(({ index, sample, completion, finished, token_ids }) => ({ index, sample, completion, finished, token_ids }))).toEqual(
    rows.map(({ new_ids, finished_by_eos, new_text_skip_special }, index) => ({
      index,
      sample: 0,
      completion: new_text_skip_special,
      finished: finished_by_eos,
      token_ids: new_ids,
    })),
  );
  lines.forEach(({ logprobs }, i) => expect(maxDifference(logprobs, rows[i]!.logprobs)).toBeLessThan(2e-4));
});

test("one prompt prints its completion and nothing else", async () => {
  const { text, new_text_skip_special } = rows[0]!;
  expect(await output(["generate", ...model, ...greedy, "--prompt", text])).toBe(`${new_text_skip_special}\n`);
});

test("--chat wraps the prompt, messages on standard input need no flag, and several rows get headings", async () => {
  const [wrapped, messages] = await Promise.all([
    jsonLines<Line>(["generate", ...model, ...greedy, "--chat", "--prompt", "Hi", "--json"]),
    output(["generate", ...model, ...greedy, "--n", "2"], { input: JSON.stringify({ prompt: [{ role: "user", content: "Hi" }] }) }),
  ]);
  expect(wrapped[0]!.prompt).toMatch(/^<\|im_start\|>user\nHi<\|im_end\|>\n<\|im_start\|>assistant\n/);
  const { completion } = wrapped[0]!;
  expect(messages).toBe(["── 1.1  Hi", completion, "── 1.2  Hi", completion, ""].join("\n"));
});

test("samples follow the seed, whatever the batch", async () => {
  const args = ["generate", ...model, "--prompt", "1 + 1", "--prompt", "what", "--n", "2", "--max-new-tokens", "6", "--top-p", "0.9", "--json"];
  const [a, b, c] = await Promise.all([
    jsonLines<Line>([...args, "--seed", "1"]),
    jsonLines<Line>([...args, "--seed", "1", "--batch-size", "1"]),
    jsonLines<Line>([...args, "--seed", "2"]),
  ]);
  expect(a.map(({ index, sample }) => [index, sample])).toEqual([[0, 0], [0, 1], [1, 0], [1, 1]]);
  const ids = (lines: Line[]): number[][] => lines.map((line) => line.token_ids);
  expect(ids(b)).toEqual(ids(a));
  expect(ids(c)).not.toEqual(ids(a));
});

test("--prompt beside --input is refused", async () => {
  const { code, stderr } = await verlet(["generate", ...model, "--prompt", "a", "--input", "b.jsonl"]);
  expect(code).toBe(2);
  expect(stderr).toContain("error: give --prompt or --input, not both");
});
