/** 常见问题 → Q5 如何评估训练效果: answers of a model to the test questions, scored by a reward. */
import { createAccuracyReward, evaluateRewards, RLTrainingTool } from "verlet";
import { gsm8k, model, samples } from "../settings.ts";

const tool = new RLTrainingTool();
tool.registerDataset("gsm8k", gsm8k);

interface Evaluation {
  accuracy: string;
  details: { question: string; completion: string; ground_truth: string; correct: boolean }[];
}

const { accuracy, details } = JSON.parse(
  await tool.run({ action: "evaluate", model_path: model("Qwen/Qwen3-0.6B"), split: "test", max_samples: samples(100), return_details: true }),
) as Evaluation;
console.log(`准确率: ${accuracy}`);
for (const { question, completion, correct } of details.slice(0, 3)) console.log(correct ? "✓" : "✗", question, JSON.stringify(completion));

const rewardFn = createAccuracyReward();
console.log(
  await evaluateRewards(
    details.map((answer) => answer.completion),
    details.map((answer) => answer.ground_truth),
    rewardFn,
  ),
);
