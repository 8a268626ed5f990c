import { tf } from "@verlet/backend";
import type { AdvantageInput, AdvantageOutput, Metrics } from "@verlet/core";

/** A batch's tokens on the host, where estimators that go from token to token are written in double precision; [B, C], flat. */
export interface HostTokens {
  rows: number;
  /** C */
  width: number;
  rewards: Float32Array;
  /** 1 on the completion tokens of rows that could be scored. */
  mask: Float32Array;
}

/** Gives each token its advantage and return, [B, C]; what it says where the mask is 0 is dropped. */
export type TokenRule = (tokens: HostTokens) => { advantages: ArrayLike<number>; returns: ArrayLike<number>; metrics?: Metrics };

/**
 * Advantages token by token. One rule for all estimators of this sort: rows without a score get 0 and stay out of every
 * statistic, and both results are 0 where the mask is 0.
 */
export function tokenAdvantages(input: AdvantageInput, rule: TokenRule): AdvantageOutput {
  const tokens = hostTokens(input);
  const { rows, width, mask } = tokens;
  const { advantages, returns, metrics } = rule(tokens);
  const masked = (values: ArrayLike<number>): tf.Tensor2D => tf.tensor2d(mask.map((active, i) => (active ? values[i]! : 0)), [rows, width]); // [B, C]
  return { advantages: masked(advantages), returns: masked(returns), ...(metrics && { metrics }) };
}

function hostTokens({ tokenRewards, mask, scores }: AdvantageInput): HostTokens {
  const [rows, width] = mask.shape;
  const scored = Float32Array.from(mask.dataSync<"float32">(), (active, i) => (active && !Number.isNaN(scores[Math.floor(i / width)]!) ? 1 : 0));
  return { rows, width, rewards: tokenRewards.dataSync<"float32">(), mask: scored };
}

/**
 * Σ over u ≥ t of γ^(u − t) · r_u over the active tokens of each row, [B, C]. A hole (mask 0 inside a row, as tool output
 * leaves) is passed over: it neither adds a reward nor discounts. 0 where the mask is 0.
 */
export function rewardToGo({ rows, width, rewards, mask }: HostTokens, gamma = 1): Float64Array {
  const returns = new Float64Array(rows * width);
  for (let row = 0; row < rows; row++) {
    let after = 0;
    for (let i = (row + 1) * width - 1; i >= row * width; i--) {
      if (mask[i]) returns[i] = after = rewards[i]! + gamma * after;
    }
  }
  return returns;
}
