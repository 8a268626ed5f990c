import { join } from "node:path";
import { registerReward } from "verlet";
import { writeRows } from "../model-folder.mjs";
import { shapes } from "../shapes.mjs";
import { given } from "./process.mjs";
import { train } from "./train.mjs";

const { prompts, samples, promptTokens, newTokens, microBatchSize, work, model } = given;
const { vocab_size: vocabulary } = shapes[model].config;
registerReward("lower_half", { doc: "share of tokens from the lower half of the vocabulary" })(
  ({ completionIds }) => completionIds.filter((id) => id < vocabulary / 2).length / completionIds.length,
);
const file = join(work, "train.jsonl");
await writeRows(file, { column: "prompt", rows: 64, width: promptTokens, vocabulary });
await train(
  {
    algorithm: "grpo",
    data: { train: file },
    rollout: { numGenerations: samples, maxNewTokens: newTokens },
    rewards: ["lower_half"],
    optimizer: { learningRate: 1e-5 },
    trainer: { batchSize: prompts, microBatchSize },
  },
  { tokens: prompts * samples * (promptTokens + newTokens), expected: { "completions/min_length": newTokens, "completions/max_length": newTokens } },
);
