import type { Advantage } from "@verlet/core";
import { rewardToGo, scoredRowsByGroup, tokenAdvantages, whiten } from "@verlet/rl";
import type { CompletionShape } from "./process-rewards.js";

export interface RewardParts extends CompletionShape {
  /** [B, C], of each token but a row's last. */
  process: Float32Array;
  /** [B], in [0, 1]; NaN where the row could not be scored. */
  outcomes: Float32Array;
  /** [B] */
  groups: Int32Array;
}

export interface RewardWeights {
  processCoef: number;
  outcomeCoef: number;
}

/**
 * Both rewards of a token, each compared with its group by leave-one-out before they are summed, so that neither's scale
 * drowns the other (verl recipe/prime `compute_rloo_advantage_return`). With n rows in a group:
 * - process, every token: n/(n − 1) · r_t − Σ_rows (mean of the row's r) / (n − 1);
 * - outcome, the last token: n/(n − 1) · y − Σ_rows y / (n − 1).
 * A group with a single scored row carries no comparison and gets 0, where the recipe divides by zero.
 * @returns [B, C]
 */
export function combineRewards({ process, outcomes, groups, lengths, width }: RewardParts, { processCoef, outcomeCoef }: RewardWeights): Float32Array {
  const combined = new Float32Array(process.length);
  for (const rows of scoredRowsByGroup(outcomes, groups).values()) {
    const n = rows.length;
    if (n === 1) continue;
    const total = (of: (row: number) => number): number => rows.reduce((sum, row) => sum + of(row), 0);
    const processBase = total((row) => rowMean(process, row, lengths[row]!, width)) / (n - 1);
    const outcomeBase = total((row) => outcomes[row]!) / (n - 1);
    const scale = n / (n - 1);
    for (const row of rows) {
      if (lengths[row] === 0) continue;
      for (let i = row * width; i < row * width + lengths[row]!; i++) combined[i] = processCoef * (scale * process[i]! - processBase);
      combined[row * width + lengths[row]! - 1]! += outcomeCoef * (scale * outcomes[row]! - outcomeBase);
    }
  }
  return combined;
}

/** Rewards to go of the combined rewards, whitened over the batch. */
export function primeAdvantage(process: Float32Array, outcomes: Float32Array, lengths: ArrayLike<number>, weights: RewardWeights): Advantage {
  return {
    compute: (input) =>
      tokenAdvantages(input, ({ rows, width, mask }) => {
        const rewards = combineRewards({ process, outcomes, groups: input.groups, lengths, width }, weights); // [B, C]
        const returns = rewardToGo({ rows, width, rewards, mask }); // [B, C]
        const single = [...scoredRowsByGroup(outcomes, input.groups).values()].filter(({ length }) => length === 1).length;
        return { advantages: whiten(returns, mask), returns, metrics: { "advantage/groups_of_one": single } };
      }),
  };
}

function rowMean(values: Float32Array, row: number, length: number, width: number): number {
  let sum = 0;
  for (let i = row * width; i < row * width + length; i++) sum += values[i]!;
  return length === 0 ? 0 : sum / length;
}
