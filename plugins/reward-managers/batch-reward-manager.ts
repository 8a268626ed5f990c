import { ANSWER_COLUMN, OPTIONS, REWARDS, inject, registerRewardManager, z } from "@verlet/core";
import type { ConfiguredReward, RewardManager, Rollout, ScoredBatch } from "@verlet/core";
import { combineRewards, rewardSamples, scoreEach, scoreTogether } from "@verlet/data";

const options = z.strictObject({
  concurrency: z.number().int().min(1).default(32).describe("calls under way at a time of a reward that scores sample by sample"),
});

/** One `scoreBatch` call per reward; a reward that only scores single samples gets them one by one. */
@registerRewardManager("batch", { options, doc: "Scores all samples of a step in one call of scoreBatch." })
export class BatchRewardManager implements RewardManager {
  readonly #rewards: readonly ConfiguredReward[];
  readonly #answerColumn: string;
  readonly #concurrency: number;

  constructor(
    @inject(REWARDS) rewards: ConfiguredReward[],
    @inject(ANSWER_COLUMN) answerColumn: string,
    @inject(OPTIONS) { concurrency }: z.infer<typeof options>,
  ) {
    this.#rewards = rewards;
    this.#answerColumn = answerColumn;
    this.#concurrency = concurrency;
  }

  async score(rollouts: readonly Rollout[], context: { step: number; signal: AbortSignal }): Promise<ScoredBatch> {
    const samples = rewardSamples(rollouts, this.#answerColumn);
    const results = await Promise.all(
      this.#rewards.map((reward) =>
        reward.reward.scoreBatch ? scoreTogether(reward, samples, context) : scoreEach(reward, samples, context, this.#concurrency),
      ),
    );
    return combineRewards(rollouts, this.#rewards, results);
  }
}
