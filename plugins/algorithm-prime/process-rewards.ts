/** What is known of a batch's completions on the host. */
export interface CompletionShape {
  /** [B], tokens of each completion. */
  lengths: ArrayLike<number>;
  /** C */
  width: number;
}

export interface ProcessRewardOptions {
  /** β */
  beta: number;
  /** Divide by the largest |Σ_{u ≥ t} r_u| of the batch. */
  normalize: boolean;
}

const NORM_EPSILON = 1e-6;

/**
 * Implicit process rewards (Yuan et al. 2024; verl recipe/prime `prime_dp_rm.py`, granularity token, λ = 0):
 * r_t = β · q_t with q_t = log p_rewardmodel − log p_reference, on every token but a row's last, where the outcome goes.
 * @param q [B, C] @returns [B, C]
 */
export function processRewards(q: ArrayLike<number>, { lengths, width }: CompletionShape, { beta, normalize }: ProcessRewardOptions): Float32Array {
  const rewards = new Float32Array(q.length);
  let largest = 0;
  for (let row = 0; row < lengths.length; row++) {
    let toGo = 0;
    for (let t = lengths[row]! - 2; t >= 0; t--) {
      const i = row * width + t;
      rewards[i] = beta * q[i]!;
      toGo += rewards[i]!;
      largest = Math.max(largest, Math.abs(toGo));
    }
  }
  return normalize ? rewards.map((reward) => reward / (largest + NORM_EPSILON)) : rewards;
}
