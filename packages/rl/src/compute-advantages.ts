import { scope, tf } from "@verlet/backend";
import type { Advantage, Metrics, ScoredRollout } from "@verlet/core";
import type { PackedRollouts } from "./pack-rollouts.js";

/**
 * Runs an advantage estimator over a scored batch.
 * Estimators see every completion token, masked-out rows included: those still count in their group's statistics.
 * @returns advantages [B, C] and one number a row for the rollouts file, [B]
 */
export function computeAdvantages(advantage: Advantage, rollouts: readonly ScoredRollout[], packed: PackedRollouts): { advantages: Float32Array; rows: Float32Array; metrics: Metrics } {
  const { completionWidth: width, completionMask, tokens } = packed;
  const scores = Float32Array.from(rollouts, ({ score }) => score ?? NaN); // [B]
  const tokenRewards = new Float32Array(tokens.rows * width); // [B, C]
  rollouts.forEach(({ score, completionIds }, row) => (tokenRewards[row * width + completionIds.length - 1] = score ?? 0));
  const { advantages, metrics } = scope(() => {
    const shape: [number, number] = [tokens.rows, width];
    const output = advantage.compute({
      scores,
      tokenRewards: tf.tensor2d(tokenRewards, shape),
      mask: tf.tensor2d(completionMask, shape),
      groups: Int32Array.from(rollouts, ({ group }) => group),
    });
    return { advantages: output.advantages.dataSync().slice() as Float32Array, metrics: output.metrics ?? {} };
  });
  const rows = Float32Array.from({ length: tokens.rows }, (_, row) => advantages[row * width]!);
  return { advantages, rows, metrics };
}
