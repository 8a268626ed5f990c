import { describe, expect, it } from "vitest";
import { ANSWER_COLUMN, REWARDS, createComponent, createRunContainer } from "@verlet/core";
import type { ConfiguredReward, Metrics, Reward, RewardManager, Rollout, Row, ScoredBatch } from "@verlet/core";

/** A rollout whose completion has one token per character. */
export function rewardRollout(completion: string, row: Row = { answer: "42" }, group = 0): Rollout {
  const completionIds = [...completion].map((character) => character.codePointAt(0)!);
  return {
    prompt: { ids: [1, 2], text: "What is 6 * 7?", row },
    group,
    completionIds,
    completion,
    logProbs: new Float32Array(completionIds.length),
    finished: true,
  };
}

export function configuredReward(name: string, reward: Reward, rest: Partial<ConfiguredReward> = {}): ConfiguredReward {
  return { name, weight: 1, reward, options: {}, timeout: 5, onError: "raise", ...rest };
}

export function createRewardManager(name: string, rewards: ConfiguredReward[], options: Record<string, unknown> = {}): RewardManager {
  const container = createRunContainer();
  container.register(REWARDS, { useValue: rewards });
  container.register(ANSWER_COLUMN, { useValue: "answer" });
  return createComponent("rewardManager", name, options, container);
}

export const scoringContext: { step: number; signal: AbortSignal } = { step: 3, signal: new AbortController().signal };

/** The metrics that every manager has; one may measure more under names of its own. */
function commonMetrics({ metrics }: ScoredBatch): Metrics {
  return Object.fromEntries(Object.entries(metrics).filter(([name]) => /^reward/.test(name)));
}

/**
 * What every reward manager must keep, whatever way it calls the rewards.
 * @param options of the manager, such that it leaves the scores of short completions alone.
 */
export function rewardManagerContract(name: string, options: Record<string, unknown> = {}): void {
  const score = async (rewards: ConfiguredReward[], rollouts: Rollout[]): Promise<ScoredBatch> => {
    const scored = await createRewardManager(name, rewards, options).score(rollouts, scoringContext);
    return { ...scored, metrics: commonMetrics(scored) };
  };
  const length: Reward = { score: ({ completion }) => completion.length };
  const answer: Reward = { scoreBatch: (samples) => samples.map((sample) => (sample.answer === undefined ? null : Number(sample.answer))) };

  describe(`reward manager contract: ${name}`, () => {
    it("weighs rewards of both forms and measures them", async () => {
      const rollouts = [rewardRollout("ab", { answer: "1" }), rewardRollout("abcd", { answer: "2" }), rewardRollout("", { answer: "6" })];
      const { rollouts: scored, metrics } = await score([configuredReward("length", length, { weight: 0.5 }), configuredReward("answer", answer)], rollouts);
      expect(scored.map((row) => row.score)).toEqual([0.5 * 2 + 1, 0.5 * 4 + 2, 6]);
      expect(scored.map((row) => row.rewards)).toEqual([{ length: 2, answer: 1 }, { length: 4, answer: 2 }, { length: 0, answer: 6 }]);
      expect(scored[1]).toMatchObject({ completion: "abcd", group: 0, finished: true });
      // lengths 2, 4, 0: mean 2, squares 0 + 4 + 4 over 2; answers 1, 2, 6: mean 3, squares 4 + 1 + 9 over 2; scores 2, 4, 6
      expect(metrics).toEqual({
        "rewards/length/mean": 2,
        "rewards/length/std": 2,
        "rewards/answer/mean": 3,
        "rewards/answer/std": Math.sqrt(7),
        reward: 4,
        reward_std: 2,
      });
    });

    it("leaves null out of sums and means, and a row of nulls without a score", async () => {
      const even: Reward = { score: ({ completion }) => (completion.length % 2 === 0 ? completion.length : null) };
      const long: Reward = { score: ({ completion }) => (completion.length > 2 ? 10 : null) };
      const { rollouts: scored, metrics } = await score([configuredReward("even", even), configuredReward("long", long)], ["ab", "a", "abc", "abcd"].map((text) => rewardRollout(text)));
      expect(scored.map((row) => row.score)).toEqual([2, null, 10, 14]);
      expect(scored[1]!.rewards).toEqual({ even: null, long: null });
      expect(metrics).toMatchObject({ "rewards/even/mean": 3, "rewards/long/mean": 10, reward: 26 / 3 });
    });

    it("gives no metric that nothing was measured for", async () => {
      const never: Reward = { score: () => null };
      expect((await score([configuredReward("never", never)], [rewardRollout("a")])).metrics).toEqual({});
      expect((await score([configuredReward("length", length)], [rewardRollout("a")])).metrics).toEqual({ "rewards/length/mean": 1, reward: 1 });
    });

    it("tells two rewards of one name apart", async () => {
      const { rollouts: scored, metrics } = await score([configuredReward("length", length), configuredReward("length", length, { weight: 2 })], [rewardRollout("ab")]);
      expect(scored[0]).toMatchObject({ score: 6, rewards: { length: 2, "length#2": 2 } });
      expect(Object.keys(metrics)).toEqual(["rewards/length/mean", "rewards/length#2/mean", "reward"]);
    });

    it("hands over the sample, the step and the options", async () => {
      const seen: unknown[] = [];
      const spy: Reward = {
        score: (sample, { options, step, signal }) => {
          seen.push({ ...sample }, options, step, signal.aborted);
          return 0;
        },
      };
      await score([configuredReward("spy", spy, { options: { a: 1 } })], [rewardRollout("hi", { answer: 7, more: true })]);
      expect(seen).toEqual([
        {
          prompt: "What is 6 * 7?",
          completion: "hi",
          messages: [{ role: "assistant", content: "hi" }],
          completionIds: [104, 105],
          finished: true,
          row: { answer: 7, more: true },
          answer: 7,
          answerColumn: "answer",
        },
        { a: 1 },
        3,
        false,
      ]);
    });

    it("keeps one reward from changing what the next one sees", async () => {
      const vandal: Reward = {
        score: (sample) => {
          (sample as { completion: string }).completion = "changed";
          return 1;
        },
      };
      await expect(score([configuredReward("vandal", vandal)], [rewardRollout("a")])).rejects.toThrow(/reward vandal\].*it threw/);
    });

    it("scores an empty batch", async () => {
      expect(await score([configuredReward("length", length)], [])).toEqual({ rollouts: [], metrics: {} });
    });
  });
}
