/** 基础GRPO训练: groups of completions, rewarded where the answer is right. */
import { createAccuracyReward, createRlDataset, GRPOTrainerWrapper } from "verlet";
import { epochs, gsm8k, model, outputOf, samples, shortCompletions } from "../settings.ts";

const dataset = await createRlDataset({ dataset: gsm8k, split: "train", maxSamples: samples(500), modelName: model("Qwen/Qwen3-0.6B") });

const rewardFn = createAccuracyReward();
const trainer = new GRPOTrainerWrapper({
  modelName: model("Qwen/Qwen3-0.6B"),
  dataset,
  rewardFn,
  outputDir: outputOf("trainers/basic-grpo"),
  numEpochs: epochs(3),
  batchSize: 2,
  ...shortCompletions,
});

const { numSamples, steps, averageReward } = await trainer.train();
console.log(`${numSamples} questions, ${steps} steps, mean reward ${averageReward!.toFixed(4)}`);
