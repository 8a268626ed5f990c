import { describe, expect, it } from "vitest";
import { ANSWER_COLUMN, CONFIG, ConfigError, REWARDS, createComponent, createRunContainer, registerAdvantage, registry } from "@verlet/core";
import type { Reward, RewardManager } from "@verlet/core";
import "@verlet/plugins/reward-managers";
import { configured, createRewardManager, rewardManagerContract, rollout, scoringContext } from "../../../contracts/reward-manager.js";
import { readJson } from "../../../helpers/fixtures.js";

rewardManagerContract("dapo", { maxResponseLength: 100, overlongBufferLength: 10 });

const ofLength = (length: number) => ({ ...rollout(""), completionIds: new Array<number>(length).fill(1) });
const constant = (value: number | null): Reward => ({ score: () => value });

describe("the penalty", () => {
  const { verl_dapo_manager: cases } = readJson<{
    verl_dapo_manager: { max_resp_len: number; overlong_buffer_len: number; penalty_factor: number; response_length: number; base_score: number; penalty: number; reward: number }[];
  }>("rewards/overlong.json");

  it(`is verl's without a bound, on ${cases.length} cases`, async () => {
    expect(cases).toHaveLength(62);
    for (const one of cases) {
      const options = { maxResponseLength: one.max_resp_len, overlongBufferLength: one.overlong_buffer_len, penaltyFactor: one.penalty_factor, bounded: false };
      const manager = createRewardManager("dapo", [configured("base", constant(one.base_score))], options);
      const { rollouts, metrics } = await manager.score([ofLength(one.response_length)], scoringContext);
      expect(rollouts[0]!.score).toBeCloseTo(one.reward, 6);
      expect(rollouts[0]!.extras!.overlong_penalty).toBeCloseTo(one.penalty, 6);
      expect(rollouts[0]!.rewards).toEqual({ base: one.base_score });
      expect(metrics.reward).toBe(rollouts[0]!.score);
    }
  });

  it("stops at its factor otherwise, and is measured over the scored rows", async () => {
    const options = { maxResponseLength: 20, overlongBufferLength: 10, penaltyFactor: 2 };
    const short: Reward = { score: ({ completionIds }) => (completionIds.length > 40 ? null : 1) };
    const { rollouts, metrics } = await createRewardManager("dapo", [configured("short", short)], options).score([10, 15, 40, 41].map(ofLength), scoringContext);
    // −2 · (15 − 10) / 10 = −1; −2 at 20 and beyond; nothing for a row that could not be scored
    expect(rollouts.map(({ score, extras }) => [score, extras?.overlong_penalty])).toEqual([[1, 0], [0, -1], [-1, -2], [null, undefined]]);
    expect(metrics).toEqual({
      "rewards/short/mean": 1,
      "rewards/short/std": 0,
      reward: 0,
      reward_std: 1,
      "overlong_penalty/mean": -1,
      "overlong_penalty/ratio": 2 / 3,
    });
  });
});

describe("what is refused before the first step", () => {
  const create = (options: object, config?: object, rewards = ["accuracy"]): RewardManager => {
    const container = createRunContainer();
    container.register(REWARDS, { useValue: rewards.map((name) => configured(name, constant(1))) });
    container.register(ANSWER_COLUMN, { useValue: "answer" });
    if (config) container.register(CONFIG, { useValue: config });
    return createComponent("rewardManager", "dapo", options, container);
  };
  const lengths = { maxResponseLength: 100, overlongBufferLength: 20 };

  it.each<[string, object, RegExp]>([
    ["no lengths", {}, /maxResponseLength.*overlongBufferLength/],
    ["a buffer longer than the response", { maxResponseLength: 10, overlongBufferLength: 11 }, /overlongBufferLength: got 11, expected it may not exceed maxResponseLength/],
    ["a factor of nothing", { ...lengths, penaltyFactor: 0 }, /penaltyFactor: got 0, expected more than 0/],
    ["verl's own names", { max_resp_len: 100 }, /max_resp_len/],
  ])("%s", (_, options, words) => {
    expect(() => create(options)).toThrow(words);
  });

  it("completions that can never be long enough", () => {
    expect(() => create(lengths, { rollout: { maxNewTokens: 80 } })).toThrow(ConfigError);
    expect(() => create(lengths, { rollout: { maxNewTokens: 80 } })).toThrow(
      "[rewardManager dapo] no completion is long enough for a penalty: got rollout.maxNewTokens 80, and none up to 80 tokens. Set maxResponseLength to rollout.maxNewTokens.",
    );
    expect(create(lengths, { rollout: { maxNewTokens: 81 } })).toBeDefined();
  });

  it("the reward that gives the same penalty", () => {
    expect(() => create(lengths, undefined, ["accuracy", "overlong"])).toThrow("[rewardManager dapo] the same penalty twice: got the reward overlong beside it.");
  });

  it("an advantage that reads each reward by itself", () => {
    registerAdvantage("temporary-split", { needs: { perRewardScores: true } })(({ tokenRewards }) => ({ advantages: tokenRewards, returns: tokenRewards }));
    try {
      expect(() => create(lengths, { rollout: { maxNewTokens: 100 }, advantage: { name: "temporary-split" } })).toThrow(
        "its penalty would not reach the advantage: got advantage temporary-split, which reads each reward by itself. Use rewardManager: naive and the reward overlong.",
      );
    } finally {
      registry.remove("advantage", "temporary-split");
    }
  });
});
