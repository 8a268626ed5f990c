/** 自定义组件: a reward manager and a reward function, registered by decorator and looked up by name. */
import { registerRewardFunction, registerRewardManager, registry, VERLTrainingManager, type RunComputeScore, type VerlDataItem } from "@verlet/verl";
import { outputOf } from "../settings.ts";
import { dataPath, here, manager as options } from "./settings.ts";

/** The run's rewards, less a hundredth for each token of the response. */
@registerRewardManager("my_reward_manager")
export class MyRewardManager {
  readonly #computeScore: RunComputeScore;

  constructor(_tokenizer: unknown, _numExamine: number, _config: unknown, computeScore: RunComputeScore) {
    this.#computeScore = computeScore;
  }

  call(data: readonly VerlDataItem[]): Promise<(number | null)[]> {
    return Promise.all(
      data.map(async ({ dataSource, response, groundTruth, extraInfo, batch }) => {
        const score = await this.#computeScore(dataSource, response, groundTruth, extraInfo);
        return score === null ? null : score - 0.01 * batch.responses.length;
      }),
    );
  }
}

/** 1 where the right number stands anywhere in the response. */
registerRewardFunction("my_reward_function")((_inputText, responseText, { groundTruth }) => (responseText.split(/\D+/).includes(String(groundTruth)) ? 1 : 0));

const manager = new VERLTrainingManager({
  config: here("grpo.yaml"),
  algorithmType: "grpo",
  rewardFunction: registry.getRewardFunction("my_reward_function"),
  rewardManagerClass: registry.getRewardManager("my_reward_manager"),
  manager: options,
});
const { metrics } = await manager.train(dataPath, outputOf("verl-training-manager/custom-components"));
await manager.dispose();

console.log(`my_reward_function ${metrics["rewards/my_reward_function/mean"]}, through my_reward_manager ${metrics.reward!.toFixed(4)}`);
