import { ANSWER_COLUMN, REWARDS } from "@verlet/core";
import type { ConfiguredReward, DependencyContainer, RewardManager, RewardSample, ScoredRollout } from "@verlet/core";
import { combineRewards, rewardSamples } from "@verlet/data";
import type { CallContext, RewardValues } from "@verlet/data";

/** Runs one reward over all samples of a batch. */
export type RunReward = (reward: ConfiguredReward, samples: readonly RewardSample[], context: CallContext) => Promise<RewardValues>;

/** A manager that runs the run's rewards side by side, each by `run`, and weighs them; `finish` may change a row's score. */
export function managerOf(container: DependencyContainer, run: RunReward, finish?: (row: ScoredRollout) => ScoredRollout): RewardManager {
  const rewards = container.resolve<ConfiguredReward[]>(REWARDS);
  const answerColumn = container.resolve<string>(ANSWER_COLUMN);
  return {
    async score(rollouts, context) {
      const samples = rewardSamples(rollouts, answerColumn);
      const results = await Promise.all(rewards.map((reward) => run(reward, samples, context)));
      return combineRewards(rollouts, rewards, results, finish);
    },
  };
}
