/** 直接使用训练器: the same two stages with everything made by hand. */
import { createAccuracyReward, createLoraConfig, createRlDataset, createSftDataset, GRPOTrainerWrapper, SFTTrainerWrapper } from "verlet";
import { epochs, gsm8k, model, outputOf, samples, shortCompletions } from "../settings.ts";

const output = outputOf("trainers/with-trainers");

const sftDataset = await createSftDataset({ dataset: gsm8k, split: "train", maxSamples: samples(1000) });
const rlDataset = await createRlDataset({ dataset: gsm8k, split: "train", maxSamples: samples(500) });
const rewardFn = createAccuracyReward();
const loraConfig = createLoraConfig({ r: 16, loraAlpha: 32 });

const sftTrainer = new SFTTrainerWrapper({
  modelName: model("Qwen/Qwen3-0.6B"),
  dataset: sftDataset,
  outputDir: `${output}/sft`,
  numEpochs: epochs(3),
  batchSize: 4,
  useLora: true,
  loraConfig,
});
const sft = await sftTrainer.train();

const grpoTrainer = new GRPOTrainerWrapper({
  modelName: sft.outputDir,
  dataset: rlDataset,
  rewardFn,
  outputDir: `${output}/grpo`,
  numEpochs: epochs(3),
  batchSize: 2,
  useLora: true,
  loraConfig,
  ...shortCompletions,
});
const grpo = await grpoTrainer.train();

for (const { algorithm, steps, finalLoss, averageReward, outputDir } of [sft, grpo]) {
  const reward = averageReward === undefined ? "" : `, mean reward ${averageReward.toFixed(4)}`;
  console.log(`${algorithm}: ${steps} steps, loss ${finalLoss!.toFixed(4)}${reward} → ${outputDir}`);
}
