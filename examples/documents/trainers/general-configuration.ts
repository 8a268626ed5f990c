/** 通用配置: learning rate, batch size and epochs of a quick test, for both algorithms. */
import { createAccuracyReward, createRlDataset, createSftDataset, GRPOTrainerWrapper, SFTTrainerWrapper } from "verlet";
import { gsm8k, model, outputOf, samples, shortCompletions } from "../settings.ts";

const output = outputOf("trainers/general-configuration");

/** Of a small model: RL takes half of SFT's rate, and a smaller batch, as it has samples to make. */
const configurations = {
  sft: { learningRate: 2e-5, batchSize: 8, numEpochs: 1 },
  grpo: { learningRate: 1e-5, batchSize: 2, numEpochs: 1 },
};

const sft = new SFTTrainerWrapper({
  modelName: model("Qwen/Qwen3-0.6B"),
  dataset: await createSftDataset({ dataset: gsm8k, maxSamples: samples(1000) }),
  outputDir: `${output}/sft`,
  useLora: true,
  ...configurations.sft,
});
const grpo = new GRPOTrainerWrapper({
  modelName: model("Qwen/Qwen3-0.6B"),
  dataset: await createRlDataset({ dataset: gsm8k, maxSamples: samples(500) }),
  rewardFn: createAccuracyReward(),
  outputDir: `${output}/grpo`,
  useLora: true,
  ...configurations.grpo,
  ...shortCompletions,
});

for (const trainer of [sft, grpo]) {
  const { algorithm, steps, numSamples, metrics } = await trainer.train();
  console.log(`${algorithm}: ${steps} steps over ${numSamples} samples, learning rate ${metrics.learning_rate}`);
}
