/** 基础SFT训练: every weight is trained. */
import { createSftDataset, SFTTrainerWrapper } from "verlet";
import { epochs, gsm8k, model, outputOf, samples } from "../settings.ts";

const dataset = await createSftDataset({ dataset: gsm8k, split: "train", maxSamples: samples(1000) });

const trainer = new SFTTrainerWrapper({
  modelName: model("Qwen/Qwen3-0.6B"),
  dataset,
  outputDir: outputOf("trainers/basic-sft"),
  numEpochs: epochs(3),
  batchSize: 4,
});

const { numSamples, steps, finalLoss } = await trainer.train();
console.log(`${numSamples} samples, ${steps} steps, loss ${finalLoss!.toFixed(4)}`);
