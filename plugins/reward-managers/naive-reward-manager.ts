import { ANSWER_COLUMN, OPTIONS, REWARDS, inject, registerRewardManager, z } from "@verlet/core";
import type { ConfiguredReward, RewardManager, Rollout, ScoredBatch } from "@verlet/core";
import { combineRewards, rewardSamples, scoreEach, scoreTogether } from "@verlet/data";

const options = z.strictObject({
  concurrency: z.number().int().min(1).default(32).describe("calls of one asynchronous reward under way at a time"),
});

/** One call per sample and reward; a reward that only takes whole batches gets the whole batch. */
@registerRewardManager("naive", { options, doc: "Scores sample by sample, asynchronous rewards side by side." })
export class NaiveRewardManager implements RewardManager {
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
        reward.reward.score ? scoreEach(reward, samples, context, this.#concurrency) : scoreTogether(reward, samples, context),
      ),
    );
    return combineRewards(rollouts, this.#rewards, results);
  }
}
