/** 高级配置 → 自定义奖励函数: a class over the documents' accuracy, tried on two answers and then trained with. */
import { createRlDataset, evaluateRewards, GRPOTrainerWrapper, MathRewardFunction, type RewardColumns } from "verlet";
import { epochs, gsm8k, model, outputOf, samples, shortCompletions } from "../settings.ts";

const output = outputOf("rl-guide/5-2-custom-reward");

class CustomReward extends MathRewardFunction {
  override call(completions: readonly string[], { ground_truth: groundTruths = [] }: RewardColumns): number[] {
    return completions.map((completion, i) => {
      const pred = this.extractAnswer(completion);
      return pred !== undefined && this.compareAnswers(pred, String(groundTruths[i])) ? 1 : 0;
    });
  }
}

const rewardFn = new CustomReward();
console.log(await evaluateRewards(["2+2=4\n\nFinal Answer: 4", "5+3=7. #### 7"], ["4", "8"], rewardFn));

const trainer = new GRPOTrainerWrapper({
  modelName: model("Qwen/Qwen3-0.6B"),
  dataset: await createRlDataset({ dataset: gsm8k, maxSamples: samples(500) }),
  rewardFn,
  numEpochs: epochs(3),
  outputDir: `${output}/grpo`,
  ...shortCompletions,
});
const { metrics, averageReward } = await trainer.train();
console.log(Object.keys(metrics).filter((name) => name.startsWith("rewards/")), averageReward);
