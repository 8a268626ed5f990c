/** 高级配置 → 使用底层API: one configuration, a data set and a reward for two trainers. */
import { createAccuracyReward, createRlDataset, createSftDataset, GRPOTrainerWrapper, SFTTrainerWrapper, TrainingConfig } from "verlet";
import { epochs, gsm8k, model, outputOf, samples, shortCompletions, warmup } from "../settings.ts";

const output = outputOf("rl-guide/5-1-trainers");

const config = new TrainingConfig({
  modelName: model("Qwen/Qwen2-0.5B-Instruct"),
  outputDir: `${output}/custom`,
  numTrainEpochs: epochs(3),
  perDeviceTrainBatchSize: 4,
  learningRate: 5e-5,
  warmupSteps: warmup(100), // 100 where it is left out
  useLora: true,
  loraR: 16,
  loraAlpha: 32,
});

const dataset = await createSftDataset({ dataset: gsm8k, maxSamples: samples(1000) });
const trainer = new SFTTrainerWrapper({ config, dataset });
console.log(await trainer.train());
console.log(await trainer.saveModel());

const rlDataset = await createRlDataset({ dataset: gsm8k, maxSamples: samples(500) });
const rewardFn = createAccuracyReward();
const grpoTrainer = new GRPOTrainerWrapper({
  config,
  dataset: rlDataset,
  rewardFn,
  outputDir: `${output}/custom-grpo`, // the document's second run would overwrite the first
  ...shortCompletions,
});
console.log(await grpoTrainer.train());
console.log(await grpoTrainer.saveModel());
