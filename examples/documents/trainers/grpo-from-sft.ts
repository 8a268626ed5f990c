/** 使用SFT模型初始化: GRPO goes on from what SFT left. */
import { createAccuracyReward, createRlDataset, createSftDataset, GRPOTrainerWrapper, SFTTrainerWrapper } from "verlet";
import { epochs, gsm8k, model, outputOf, samples, shortCompletions } from "../settings.ts";

const output = outputOf("trainers/grpo-from-sft");
const sftDataset = await createSftDataset({ dataset: gsm8k, maxSamples: samples(1000) });
const rlDataset = await createRlDataset({ dataset: gsm8k, maxSamples: samples(500) });

const sftTrainer = new SFTTrainerWrapper({
  modelName: model("Qwen/Qwen3-0.6B"),
  dataset: sftDataset,
  outputDir: `${output}/sft`,
  numEpochs: epochs(3),
});
const sft = await sftTrainer.train();

const grpoTrainer = new GRPOTrainerWrapper({
  modelName: sft.outputDir,
  dataset: rlDataset,
  rewardFn: createAccuracyReward(),
  outputDir: `${output}/grpo`,
  numEpochs: epochs(3),
  ...shortCompletions,
});
const grpo = await grpoTrainer.train();

console.log(`SFT:  loss ${sft.finalLoss!.toFixed(4)} → ${sft.outputDir}`);
console.log(`GRPO: from ${grpo.modelName}, mean reward ${grpo.averageReward!.toFixed(4)} → ${grpo.outputDir}`);
