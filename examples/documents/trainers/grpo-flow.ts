/** GRPO训练流程: in each step samples, their rewards, and an update of the policy. */
import { readFile } from "node:fs/promises";
import { createAccuracyReward, createRlDataset, GRPOTrainerWrapper } from "verlet";
import { epochs, gsm8k, model, outputOf, samples, shortCompletions } from "../settings.ts";

const output = outputOf("trainers/grpo-flow");

const trainer = new GRPOTrainerWrapper({
  modelName: model("Qwen/Qwen3-0.6B"),
  dataset: await createRlDataset({ dataset: gsm8k, maxSamples: samples(500) }),
  rewardFn: createAccuracyReward(),
  outputDir: `${output}/grpo`,
  numEpochs: epochs(3),
  overrides: ["trainer.rolloutsEvery=1"],
  onProgress: ({ line }) => console.log(line),
  ...shortCompletions,
});
await trainer.train();

const rollouts = (await readFile(`${output}/grpo/rollouts/step-000001.jsonl`, "utf8")).trimEnd().split("\n");
for (const line of rollouts) {
  const { completion, score, advantage } = JSON.parse(line) as { completion: string; score: number; advantage: number };
  console.log(`${JSON.stringify(completion)}: reward ${score}, advantage ${advantage.toFixed(2)}`);
}
console.log(`saved in ${await trainer.saveModel(`${output}/model`)}`);
