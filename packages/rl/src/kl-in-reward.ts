import { tf } from "@verlet/backend";
import type { KlControl, KlEstimator, Metrics } from "@verlet/core";
import { klPenalty } from "./kl.js";
import type { PackedRollouts } from "./pack-rollouts.js";

export interface Rewards {
  /** [B] */
  scores: Float32Array;
  /** [B, C] */
  tokenRewards: Float32Array;
}

/**
 * Takes β · KL off each token's reward, and the row's sum of it off its score (verl `apply_kl_penalty`; Stiennon et al.
 * 2020). The coefficient used is the one before this batch is observed.
 * @param logProbs [B, C] of the policy before the update · @param refLogProbs [B, C]
 */
export function klInReward(rewards: Rewards, packed: PackedRollouts, logProbs: Float32Array, refLogProbs: Float32Array, estimator: KlEstimator, kl: KlControl): Rewards & { metrics: Metrics } {
  const { completionMask, completionWidth: width, tokens } = packed;
  const shape: [number, number] = [tokens.rows, width];
  const estimates = tf.tidy(() => tf.mul(klPenalty(tf.tensor2d(logProbs, shape), tf.tensor2d(refLogProbs, shape), estimator), tf.tensor2d(completionMask, shape)).dataSync()); // [B, C]
  const scores = rewards.scores.slice();
  const tokenRewards = rewards.tokenRewards.slice();
  const coef = kl.coef;
  let meanOfRows = 0;
  for (let row = 0; row < tokens.rows; row++) {
    let total = 0;
    let count = 0;
    for (let i = row * width; i < (row + 1) * width; i++) {
      total += estimates[i]!;
      count += completionMask[i]!;
      tokenRewards[i]! -= coef * estimates[i]!;
    }
    scores[row]! -= coef * total;
    meanOfRows += total / Math.max(1, count) / tokens.rows;
  }
  kl.observe(meanOfRows, tokens.rows);
  return { scores, tokenRewards, metrics: { kl: meanOfRows, kl_coef: coef } };
}
