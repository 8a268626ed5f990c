import { existsSync, mkdtempSync, readdirSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeAll, expect, test } from "vitest";
import { output, verlet } from "./run-cli.js";

const folder = mkdtempSync(join(tmpdir(), "verlet-cli-bench-"));
const [sft, grpo] = [join(folder, "sft.yaml"), join(folder, "grpo.yaml")];
const short = ["--steps", "2", "--warm-up", "1"];

beforeAll(async () => {
  const data = join(folder, "data");
  await output(["data", "make-arithmetic", "--output", data, "--sft", "8", "--rl", "8", "--test", "1", "--model", join(folder, "tiny")]);
  const shared = { model: { path: join(folder, "tiny"), init: "random" }, backend: "wasm" };
  const trainer = { batchSize: 2, outputDir: join(folder, "out") };
  const columns = { prompt: "question", completion: "solution" };
  writeFileSync(sft, JSON.stringify({ algorithm: "sft", ...shared, data: { train: join(data, "sft.jsonl"), columns, chatTemplate: "always" }, trainer })); // JSON is YAML
  const rl = { data: { train: join(data, "rl.jsonl"), columns: { prompt: "question" }, chatTemplate: "always" }, rollout: { numGenerations: 3, maxNewTokens: 4 }, rewards: ["accuracy"] };
  writeFileSync(grpo, JSON.stringify({ algorithm: "grpo", ...shared, ...rl, trainer }));
}, 120_000);

const positive = (value: unknown): void => expect(value).toBeGreaterThan(0);

interface Report {
  step: { ms: Record<"median" | "least" | "most", number>; tokensPerSecond: { median: number }; generateMs: number | null; rewardMs: number | null };
  sampling: { rows: number; ms: { median: number } };
  memory: { peakBytes: number; estimatedBytes: number };
}

test("measures the steps of an SFT run and leaves nothing behind", async () => {
  const before = readdirSync(folder);
  const report = JSON.parse(await output(["bench", sft, ...short, "--json"])) as Report;
  expect(report).toMatchObject({ algorithm: "sft", backend: "wasm", tensorflow: null, steps: 2, memory: { trainedNumbers: 429056 } });
  const { step, sampling, memory } = report;
  expect(step.ms.least).toBeLessThanOrEqual(step.ms.median);
  expect(step.ms.median).toBeLessThanOrEqual(step.ms.most);
  expect([step.generateMs, step.rewardMs, sampling.rows]).toEqual([null, null, 2]);
  [step.ms.least, step.tokensPerSecond.median, sampling.ms.median].forEach(positive);
  expect(memory.peakBytes).toBeGreaterThan(50e6);
  expect(memory.estimatedBytes).toBeGreaterThan(16 * 429056);
  expect(readdirSync(folder)).toEqual(before);
}, 120_000);

test("tells sampling and rewards of an RL step apart, and samples as many rows as it does", async () => {
  const { step, sampling } = JSON.parse(await output(["bench", grpo, ...short, "--json"])) as Report;
  positive(step.generateMs);
  expect(step.rewardMs).not.toBeNull();
  expect(sampling.rows).toBe(6);
}, 120_000);

test.each([sft, grpo])("needs no data with --random, %#", async (yaml) => {
  const text = await output(["bench", yaml, ...short, "--random", "24", "data.train=not-there.jsonl"]);
  expect(text).toMatch(/^backend +wasm on .+\nalgorithm +(sft|grpo)\nstep +.+ ms \(.+\), 2 timed.*\ntraining +.+ tokens\/s.*\nsampling +.+ ms .+a token, [26] rows at once\nmemory +[\d.]+ [MG]iB at most while training \([\d.]+ [MG]iB estimated\); 429056 trained numbers\n$/);
}, 120_000);

test("says what is wrong with the YAML and the data", async () => {
  const missing = await verlet(["bench", sft, "data.train=not-there.jsonl"]);
  expect(missing).toMatchObject({ code: 1, stdout: "" });
  expect(missing.stderr).toContain("not-there.jsonl");
  const wrong = await verlet(["bench", join(folder, "no.yaml")]);
  expect(wrong).toMatchObject({ code: 1, stdout: "" });
  expect(wrong.stderr).toContain("no.yaml");
  expect((await verlet(["bench", sft, "--steps", "0"])).code).toBe(2);
  expect(existsSync(join(folder, "out"))).toBe(false);
}, 120_000);
