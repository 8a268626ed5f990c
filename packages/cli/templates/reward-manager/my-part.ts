// A YAML beside this file takes it by
//
//   plugins: [./my-part.ts]
//   rewardManager: { name: my-part, limit: 1 }

import { ANSWER_COLUMN, REWARDS, combineRewards, registerRewardManager, rewardSamples, scoreEach, scoreTogether, z, type ConfiguredReward } from "verlet";

const options = z.strictObject({
  limit: z.number().gt(0).optional().describe("each reward's score is cut off at ± this before the weighted sum"),
});

const CONCURRENCY = 32;

/** Scores with every reward of the YAML and weighs them into one score a row; no single reward counts more than `limit`. */
export const myPartRewardManager = registerRewardManager("my-part", { options, doc: "Cuts each reward's score off before the weighted sum." })(
  ({ limit = Infinity }, container) => {
    const rewards = container.resolve<ConfiguredReward[]>(REWARDS);
    const answerColumn = container.resolve<string>(ANSWER_COLUMN);
    const cut = (score: number | null): number | null => (score === null ? null : Math.max(-limit, Math.min(limit, score)));
    return {
      async score(rollouts, context) {
        const samples = rewardSamples(rollouts, answerColumn);
        const results = await Promise.all(
          rewards.map((one) => (one.reward.score ? scoreEach(one, samples, context, CONCURRENCY) : scoreTogether(one, samples, context))),
        ); // values [B] of each reward
        return combineRewards(rollouts, rewards, results.map(({ values, ...rest }) => ({ ...rest, values: values.map(cut) })));
      },
    };
  },
);
