import type { WholeBatch } from "@verlet/core";

/**
 * Each active token's part in the covariance of advantage and log-prob, (A − mean A)·(log p − mean log p), means over the
 * active tokens; NaN elsewhere (Cui et al. 2025). High ones are what lowers the entropy.
 * @returns [B·C]
 */
export function tokenCovariances({ logProbs, advantages, mask }: WholeBatch): Float64Array {
  const count = mask.reduce((a, b) => a + b, 0);
  const mean = (values: Float32Array): number => values.reduce((sum, value, i) => sum + value * mask[i]!, 0) / count;
  const [meanAdvantage, meanLogProb] = [mean(advantages), mean(logProbs)];
  return Float64Array.from(mask, (active, i) => (active ? (advantages[i]! - meanAdvantage) * (logProbs[i]! - meanLogProb) : NaN));
}

/** Positions of the active tokens in [B·C], in order. */
export function activeTokens({ mask }: WholeBatch): number[] {
  return Array.from(mask.keys()).filter((i) => mask[i]);
}

/** How many tokens a share of the active ones is: at least 1. */
export function countOf(share: number, { mask }: WholeBatch): number {
  return Math.max(1, Math.floor(share * mask.reduce((a, b) => a + b, 0)));
}

/** 1 at the given tokens, else 0; [B·C]. */
export function marksAt(tokens: readonly number[], { mask }: WholeBatch): Float32Array {
  const marks = new Float32Array(mask.length);
  for (const token of tokens) marks[token] = 1;
  return marks;
}
