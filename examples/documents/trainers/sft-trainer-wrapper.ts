/** SFTTrainerWrapper: train, and keep the model in a folder of its own. */
import { createSftDataset, SFTTrainerWrapper } from "verlet";
import { epochs, gsm8k, model, outputOf, samples } from "../settings.ts";

const output = outputOf("trainers/sft-trainer-wrapper");

const trainer = new SFTTrainerWrapper({
  modelName: model("Qwen/Qwen3-0.6B"),
  dataset: await createSftDataset({ dataset: gsm8k, maxSamples: samples(1000) }),
  outputDir: `${output}/sft`,
  numEpochs: epochs(3),
  batchSize: 4,
  learningRate: 2e-5,
  useLora: true,
});

const result = await trainer.train();
console.log(`trained; the model is in ${result.outputDir}`);

const saved = await trainer.saveModel(`${output}/my_model`);
console.log(`and in ${saved}`);
