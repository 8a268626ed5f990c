import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pc from "picocolors";
import { expect, test } from "vitest";
import { wordProblems, type InspectReport } from "@verlet/data";
import { inspectText } from "../../../packages/cli/dist/inspect-text.js";
import { fixture } from "../../helpers/fixtures.js";
import { verlet } from "./run-cli.js";

const folder = mkdtempSync(join(tmpdir(), "verlet-inspect-"));
const rows = join(folder, "rows.jsonl");
writeFileSync(rows, [{ prompt: "1+1?", completion: "2" }, { prompt: "1+1?", completion: "two" }, { prompt: "2+2?" }, { prompt: "3+3?", completion: "6" }].map((row) => JSON.stringify(row)).join("\n"));

test("a data set in words: counts, histogram, what is trained between marks; status 0", async () => {
  const { code, stdout } = await verlet(["data", "inspect", wordProblems("test"), "--samples", "1", "--eval", wordProblems("train")]);
  expect(code).toBe(0);
  expect(stdout).toContain(`${wordProblems("test")}: 12 rows, GSM8K`);
  expect(stdout).toMatch(/yes +SFT\n +yes +RL \(GRPO, DAPO, PPO\) +with an answer to compare with\n +no +DPO +needs chosen \+ rejected/);
  expect(stdout).toMatch(/Length of a row, in characters, its stop counted as one\n {2}least \d+, median \d+, mean [\d.]+, 95 % up to \d+, most \d+\n +\d+–\d+ +█+ \d+\n/);
  expect(stdout).toMatch(/Problems: 0\n\nDuplicates: 0\n\nRows that are in .*train\.jsonl too: 0/);
  expect(stdout).toMatch(/Sample .*test\.jsonl:1, ⟦what is trained⟧\n {2}Iris has .* now\?⟦She gives away .*\n(.*\n)+ {2}#### 58⟧/);
});

test("a row with a problem is named, and the status is 1; in tokens with a model", async () => {
  const { code, stdout } = await verlet(["data", "inspect", rows, "--model", fixture("models/qwen3"), "--chat-template", "always", "--max-length", "8", "--json"]);
  const report = JSON.parse(stdout) as InspectReport & { data: string };
  expect(code).toBe(1);
  expect(report).toMatchObject({ data: rows, rows: 4, unit: "tokens", problems: [{ where: `${rows}:3`, what: "no columns to train on: columns prompt" }], duplicates: [{ where: `${rows}:2`, as: `${rows}:1` }] });
  expect(report.limits).toMatchObject({ maxLength: 8, maxPromptTokens: 512, droppedPrompts: 0 });
  expect(report.limits!.truncated + report.limits!.dropped).toBe(3);
  expect(report.samples).toHaveLength(2);
  expect(report.samples[0]!.parts.at(-1)).toMatchObject({ trained: true, text: expect.stringContaining("<|im_end|>") as string });
});

test("lines of broken JSON are listed with their places, the rest is looked at all the same, and the status is 1", async () => {
  const path = join(folder, "slips.jsonl");
  const good = [1, 2].map((i) => JSON.stringify({ prompt: `${i}+1?`, completion: String(i + 1) }));
  writeFileSync(path, [good[0], '{"prompt": "3+1?" "completion"', ...Array.from({ length: 11 }, () => "[]"), good[1]].join("\n"));
  const { code, stdout } = await verlet(["data", "inspect", path, "--eval", path]);
  expect(code).toBe(1);
  expect(stdout).toContain(`${path}: 2 rows`);
  expect(stdout).toMatch(/yes +SFT\n/);
  expect(stdout).toMatch(/Cannot be read, and left out: 24\n {2}.*slips\.jsonl:2 {2}broken JSON \(.*position 18.*\): \{"prompt": "3\+1\?" "completion"\n {2}.*slips\.jsonl:3 {2}the row is not an object: a list\n/);
  expect(stdout).toMatch(/slips\.jsonl:11 .*\n {2}… and 14 more\n\nProblems: 0\n/);
  const json = JSON.parse((await verlet(["data", "inspect", path, "--json"])).stdout) as InspectReport;
  expect(json).toMatchObject({ rows: 2, problems: [], broken: { rows: 12, first: Array.from({ length: 12 }, (_, i) => ({ where: `${path}:${i + 2}` })) } });
  expect(json.samples.map(({ where }) => where)).toEqual([`${path}:1`, `${path}:14`]);
});

test("a file in which nothing can be read is refused with its first line", async () => {
  const path = join(folder, "broken.jsonl");
  writeFileSync(path, '{"a"\n{"b"\n');
  const { code, stderr } = await verlet(["data", "inspect", path]);
  expect(code).toBe(1);
  expect(stderr).toMatch(/broken\.jsonl:1\] broken JSON/);
});

test("a part of a file, and columns by name", async () => {
  const { code, stdout } = await verlet(["data", "inspect", rows, "--split", "[:2]", "--columns", "text=completion", "--samples", "0", "--json"]);
  expect(code).toBe(0);
  expect(JSON.parse(stdout)).toMatchObject({ data: `${rows}[:2]`, rows: 2, samples: [] });
});

test("rows that fit nothing end with status 1, and say what each training needs", async () => {
  const path = join(folder, "none.jsonl");
  writeFileSync(path, '{"x":1}\n');
  const { code, stdout } = await verlet(["data", "inspect", path]);
  expect(code).toBe(1);
  expect(stdout).toMatch(/no +SFT +needs prompt \+ completion, messages, text/);
});

test.each([
  ["a missing file", ["data", "inspect", "none.jsonl"], /\[none\.jsonl\] no such file: got .*none\.jsonl/],
  ["a missing model", ["data", "inspect", rows, "--model", "none"], /\[--model none\] no such folder/],
  ["a split of a file", ["data", "inspect", rows, "--split", "train"], /a file has no splits: got train/],
  ["a wrong choice", ["data", "inspect", rows, "--train-on", "prompt"], /argument 'prompt' is invalid\. Allowed choices are auto, completion, assistant, all/],
])("refuses %s", async (_, args, words) => {
  const { code, stderr } = await verlet(args);
  expect(code).not.toBe(0);
  expect(stderr).toMatch(words);
});

test("trained text is green on a terminal, line by line; long lists are cut", () => {
  const colors = pc.createColors(true);
  const spread = { min: 1, median: 1, mean: 1, p95: 1, max: 1, bins: [{ from: 1, to: 1, count: 1 }] };
  const problems = Array.from({ length: 12 }, (_, i) => ({ where: `r:${i}`, what: "bad" }));
  const report: InspectReport = { rows: 1, columns: [], fits: [], answers: 0, problems, unit: "tokens", lengths: [{ of: "row", spread }], duplicates: [], samples: [{ where: "r:1", parts: [{ text: "q\n", trained: false }, { text: "a\nb", trained: true }] }] };
  const text = inspectText("r", report, undefined, colors);
  expect(text).toContain(`Sample r:1\n  q\n  ${colors.green("a")}\n  ${colors.green("b")}`);
  expect(text).toContain("Problems: 12\n  r:0  bad\n");
  expect(text).toContain("  … and 2 more");
  expect(text).not.toContain("⟦");
});
