import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { registerReward } from "@verlet/core";
import { afterAll } from "vitest";
import { trainerContract } from "../../contracts/trainer.js";

const folder = mkdtempSync(join(tmpdir(), "verlet-test-"));
afterAll(() => rmSync(folder, { recursive: true }));

const write = (name: string, rows: readonly object[]): string => {
  const path = join(folder, name);
  writeFileSync(path, rows.map((row) => `${JSON.stringify(row)}\n`).join(""));
  return path;
};

// Even bytes are good: a reward that differs within a group of random completions.
registerReward("even-bytes")(({ completionIds }) => completionIds.filter((id) => id % 2 === 0).length / completionIds.length);

const prompts = write("prompts.jsonl", ["one", "two", "three", "four", "five"].map((prompt) => ({ prompt })));
const common = { model: { path: "fake" }, optimizer: { learningRate: 0.05 }, backend: "cpu" };
const rl = {
  ...common,
  data: { train: prompts },
  rollout: { numGenerations: 4, maxNewTokens: 6 },
  rewards: [{ name: "even-bytes" }],
  // Two updates a batch, so that a batch is carried from step to step.
  loss: { iterations: 2 },
  trainer: { batchSize: 2, microBatchSize: 3, maxSteps: 6 },
};

const texts = write("sft.jsonl", ["the cat", "sat", "on a mat"].map((text) => ({ text })));
const sft = { ...common, algorithm: "sft", data: { train: texts }, trainer: { batchSize: 2, microBatchSize: 1, maxSteps: 6 } };
trainerContract("sft", { config: sft });
trainerContract("sft with packing", { config: { ...sft, data: { train: texts, packing: true, maxLength: 12 } } });
trainerContract("sft with rows grouped by length", { config: { ...sft, data: { train: texts, groupByLength: true } } });
trainerContract("grpo", { config: { ...rl, algorithm: "grpo" } });
// Random bytes seldom end by themselves, and DAPO leaves completions that did not end out of its loss.
trainerContract("dapo", { config: { ...rl, algorithm: "dapo", loss: { ...rl.loss, maskTruncated: false } } });
