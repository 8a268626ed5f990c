/** GRPOTrainerWrapper: train with a reward function, and keep the model in a folder of its own. */
import { createRlDataset, GRPOTrainerWrapper } from "verlet";
import { epochs, gsm8k, model, outputOf, samples, shortCompletions } from "../settings.ts";

const output = outputOf("trainers/grpo-trainer-wrapper");

/** Over whole lists, with every column of the data set: 1 where the text ends in the right answer. */
function rewardFn(completions: readonly string[], { ground_truth }: { ground_truth: readonly unknown[] }): number[] {
  return completions.map((completion, i) => (completion.trimEnd().endsWith(String(ground_truth[i])) ? 1 : 0));
}

const trainer = new GRPOTrainerWrapper({
  modelName: model("Qwen/Qwen3-0.6B"),
  dataset: await createRlDataset({ dataset: gsm8k, maxSamples: samples(500) }),
  rewardFn,
  outputDir: `${output}/grpo`,
  numEpochs: epochs(3),
  batchSize: 2,
  learningRate: 1e-5,
  useLora: true,
  ...shortCompletions,
});

const result = await trainer.train();
console.log(`trained; the model is in ${result.outputDir}`);
console.log(`mean reward ${result.averageReward!.toFixed(4)}`);

await trainer.saveModel(`${output}/my_model`);
