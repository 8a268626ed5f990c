/** 速度优化: fp16 is refused, bf16 is what there is on native; a larger batch pays. */
import { createSftDataset, SFTTrainerWrapper, VerletError, type WrapperOptions } from "verlet";
import { gsm8k, model, outputOf, samples } from "../settings.ts";

const output = outputOf("trainers/speed");
const dataset = await createSftDataset({ dataset: gsm8k, maxSamples: samples(1000) });
const train = (options: Partial<WrapperOptions>) =>
  new SFTTrainerWrapper({ modelName: model("Qwen/Qwen3-0.6B"), dataset, numEpochs: 2, console: false, ...options }).train();

try {
  await train({ outputDir: `${output}/fp16`, fp16: true });
} catch (error) {
  if (!(error instanceof VerletError)) throw error;
  console.log(error.message);
}

for (const batchSize of [2, 8]) {
  const { steps, metrics } = await train({ outputDir: `${output}/batch-${batchSize}`, batchSize });
  console.log(`batch of ${batchSize}: ${steps} steps, ${(metrics["timing/step"]! / batchSize).toFixed(4)} s a row in the last one`);
}
