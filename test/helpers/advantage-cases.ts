import { tf } from "@verlet/backend";
import { createComponent, type AdvantageInput } from "@verlet/core";
import { readJson } from "./fixtures.js";

type Rows = number[][]; // [B, C]

export interface AdvantageCase {
  config: { norm_adv_by_std_in_grpo?: boolean; epsilon?: number; gamma?: number; lam?: number; f_norm?: number; handle_zero_tail?: boolean; reward_keys?: string[]; reward_weights?: number[] | null };
  inputs: {
    token_level_rewards?: Rows;
    response_mask: Rows;
    index?: string[];
    values?: Rows;
    reward_baselines?: number[];
    old_log_probs?: Rows;
    sum_pi_squared?: Rows;
    rollout_is_weights?: Rows | null;
    rewards?: Record<string, number[]>;
  };
  advantages: Rows;
  returns: Rows;
}

export const advantageCases = (file: string): AdvantageCase[] => readJson<{ cases: AdvantageCase[] }>(`advantages/${file}.json`).cases;

/** verl's inputs as ours: a row's score is the sum of its rewards, added up in float32 as they are. */
export function caseInput({ config, inputs }: AdvantageCase): AdvantageInput {
  const { response_mask: mask, values, reward_baselines, old_log_probs, sum_pi_squared, rollout_is_weights, rewards } = inputs;
  const weights = config.reward_weights ?? config.reward_keys?.map(() => 1);
  const parts = rewards && config.reward_keys!.map((name, k) => ({ name, weight: weights![k]!, scores: Float32Array.from(rewards[name]!) }));
  const scores = parts
    ? Float32Array.from(mask, (_, row) => parts.reduce((sum, { weight, scores }) => sum + weight * scores[row]!, 0))
    : Float32Array.from(inputs.token_level_rewards!, (row) => row.reduce((a, b) => Math.fround(a + b), 0));
  const labels = [...new Set(inputs.index)];
  return {
    scores,
    groups: Int32Array.from(mask, (_, row) => (inputs.index ? labels.indexOf(inputs.index[row]!) : row)),
    mask: tf.tensor2d(mask),
    tokenRewards: inputs.token_level_rewards ? tf.tensor2d(inputs.token_level_rewards) : tf.zeros([mask.length, mask[0]!.length]),
    ...(values && { values: tf.tensor2d(values) }),
    ...(reward_baselines && { greedyScores: Float32Array.from(reward_baselines) }),
    ...(parts && { rewardScores: parts }),
    ...(old_log_probs && { oldLogProbs: tf.tensor2d(old_log_probs), sumPiSquared: tf.tensor2d(sum_pi_squared!) }),
    ...(rollout_is_weights && { importanceWeights: tf.tensor2d(rollout_is_weights) }),
  };
}

/** Runs a registered estimator on such a case. */
export function runCase(each: AdvantageCase, name: string, options: Record<string, unknown> = {}): { advantages: Rows; returns: Rows; metrics?: Record<string, number> } {
  return tf.tidy(() => {
    const { advantages, returns, metrics } = createComponent("advantage", name, options).compute(caseInput(each));
    return { advantages: advantages.arraySync(), returns: returns.arraySync(), ...(metrics && { metrics }) } as never;
  });
}

/** Rows whose group has one row, or whose scores are all equal: for each reward where there are several. */
export function uncomparedRows({ inputs }: AdvantageCase): { single: boolean[]; equal: boolean[] } {
  const { index, token_level_rewards: rewards } = inputs;
  const scores = inputs.rewards ? Object.values(inputs.rewards) : [rewards!.map((row) => row.reduce((a, b) => a + b, 0))];
  const members = (row: number): number[] => index!.flatMap((label, i) => (label === index![row] ? [i] : []));
  return {
    single: index!.map((_, row) => members(row).length === 1),
    equal: index!.map((_, row) => scores.every((each) => members(row).every((other) => each[other] === each[row]))),
  };
}
