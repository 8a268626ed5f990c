import { expect, test } from "vitest";
import type { KlEstimator } from "@verlet/core";
import { KlController, klInReward, type PackedRollouts } from "@verlet/rl";
import { describeEverywhere } from "../../helpers/backends.js";
import { maxDifference, readJson } from "../../helpers/fixtures.js";
import { expectNoLeak } from "../../helpers/tensors.js";

type Rows = number[][];
interface Controller { type: "adaptive" | "fixed"; init_kl_coef: number; target_kl: number; horizon: number }
interface KlFixture {
  inputs: { response_mask: Rows; token_level_scores: Rows; old_log_probs: Rows; ref_log_prob: Rows };
  cases: { kl_penalty: string; controller: Controller; token_level_rewards: Rows; current_kl: number; coef_used: number; coef_after: number }[];
  adaptive_controller: Omit<Controller, "type"> & { n_steps: number; current_kl: number[]; values_after: number[] };
}

const { inputs, cases, adaptive_controller: trajectory } = readJson<KlFixture>("advantages/kl_in_reward.json");
const estimators: Record<string, KlEstimator> = { kl: "k1", abs: "abs", mse: "k2", low_var_kl: "k3" };
const flat = (rows: Rows): Float32Array => Float32Array.from(rows.flat());
const controller = ({ init_kl_coef, target_kl, horizon }: Omit<Controller, "type">, type: Controller["type"] = "adaptive"): KlController =>
  new KlController({ klCoef: init_kl_coef, klController: type, klTarget: target_kl, klHorizon: horizon });

/** The completions of a mask, after prompts of two tokens. */
function packedLike(mask: Rows): PackedRollouts {
  const [rows, completionWidth] = [mask.length, mask[0]!.length];
  const completionMask = flat(mask);
  const lengths = Int32Array.from(mask, (row) => 2 + row.reduce((a, b) => a + b, 0));
  return { tokens: { ids: new Int32Array(rows * (completionWidth + 2)), lengths, rows, width: completionWidth + 2 }, promptLengths: new Int32Array(rows).fill(2), completionWidth, completionMask, mask: completionMask, sampledLogProbs: new Float32Array(completionMask.length) };
}

await describeEverywhere("KL in the reward", () => {
  const sums = (rows: Rows): number[] => rows.map((row) => row.reduce((a, b) => a + b, 0));
  const penalise = (estimator: KlEstimator, kl: KlController): ReturnType<typeof klInReward> =>
    klInReward({ scores: Float32Array.from(sums(inputs.token_level_scores)), tokenRewards: flat(inputs.token_level_scores) }, packedLike(inputs.response_mask), flat(inputs.old_log_probs), flat(inputs.ref_log_prob), estimator, kl);

  test.each(cases.map((each, i) => [`case ${i + 1} of ${cases.length}: ${each.kl_penalty}`, each] as const))("verl's apply_kl_penalty, %s", (_, each) => {
    const kl = controller(each.controller, each.controller.type);
    const { scores, tokenRewards, metrics } = penalise(estimators[each.kl_penalty]!, kl);
    expect(maxDifference(tokenRewards, each.token_level_rewards.flat(), inputs.response_mask.flat())).toBeLessThan(1e-5);
    expect(maxDifference(scores, sums(each.token_level_rewards))).toBeLessThan(1e-5); // the score is what its tokens add up to
    expect(metrics["kl"]).toBeCloseTo(each.current_kl, 5);
    expect(metrics["kl_coef"]).toBe(each.coef_used); // the coefficient before this batch was seen
    expect(kl.coef).toBeCloseTo(each.coef_after, 10);
  });

  test("by hand: coefficient ½ and k1 over two tokens; a row without a score stays without one", () => {
    const packed = packedLike([[1, 1], [1, 0]]);
    const rewards = { scores: Float32Array.of(2, NaN), tokenRewards: Float32Array.of(0, 2, 0, 0) };
    const kl = controller({ init_kl_coef: 0.5, target_kl: 1, horizon: 1 }, "fixed");
    const { scores, tokenRewards, metrics } = klInReward(rewards, packed, Float32Array.of(-1, -2, -3, 9), Float32Array.of(-2, -4, -2, 0), "k1", kl);
    expect([...tokenRewards]).toEqual([-0.5, 1, 0.5, 0]);
    expect([...scores]).toEqual([0.5, NaN]);
    expect(metrics).toEqual({ kl: (1.5 - 1) / 2, kl_coef: 0.5 }); // means of 1 and 2, and of −1
    expect([...rewards.scores, ...rewards.tokenRewards]).toEqual([2, NaN, 0, 2, 0, 0]); // the given ones are left as they are
    expect(kl.coef).toBe(0.5);
  });

  test("leaves no tensor behind", () => expectNoLeak(() => penalise("k3", controller(trajectory))));
});

test(`verl's AdaptiveKLController over ${trajectory.current_kl.length} batches`, () => {
  const kl = controller(trajectory);
  trajectory.current_kl.forEach((current, i) => {
    kl.observe(current, trajectory.n_steps);
    expect(kl.coef).toBeCloseTo(trajectory.values_after[i]!, 12);
  });
});

test("the coefficient goes into a checkpoint and comes back; a fixed one never moves", () => {
  const kl = controller(trajectory);
  kl.observe(100, 1000);
  expect(kl.coef).toBeCloseTo(trajectory.init_kl_coef * 1.2, 12); // at most 0.2 off the target counts, times 1000 rows / horizon 1000
  const copy = controller(trajectory);
  copy.restore(JSON.parse(JSON.stringify(kl.state())) as number);
  expect(copy.coef).toBe(kl.coef);
  const fixed = controller(trajectory, "fixed");
  fixed.observe(100, 1000);
  expect(fixed.coef).toBe(trajectory.init_kl_coef);
});
