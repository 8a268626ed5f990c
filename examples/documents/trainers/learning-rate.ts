/** 如何选择学习率: the default first; a larger one where the loss does not fall, a smaller one where it swings. */
import { createSftDataset, SFTTrainerWrapper } from "verlet";
import { gsm8k, model, outputOf, rate, samples } from "../settings.ts";

const output = outputOf("trainers/learning-rate");
const dataset = await createSftDataset({ dataset: gsm8k, maxSamples: samples(1000) });

for (const learningRate of [2e-5, rate(2e-5), 20 * rate(2e-5)]) {
  const losses: number[] = [];
  const trainer = new SFTTrainerWrapper({
    modelName: model("Qwen/Qwen3-0.6B"),
    dataset,
    outputDir: `${output}/${learningRate}`,
    numEpochs: 5,
    batchSize: 8,
    learningRate,
    console: false,
    onProgress: ({ metrics }) => losses.push(metrics.loss!),
  });
  await trainer.train();
  console.log(`${learningRate}: loss ${losses.map((loss) => loss.toFixed(3)).join(" → ")}`);
}
