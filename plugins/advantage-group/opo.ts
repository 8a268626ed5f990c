import { registerAdvantage } from "@verlet/core";
import { groupAdvantages } from "@verlet/rl";

/**
 * A = r − Σ length·r / Σ length within each group, the baseline of least variance when a row's gradient grows with its
 * length (Hao et al. 2025, OPO; verl `compute_opo_outcome_advantage`). The length counts the mask's tokens.
 */
export const opo = registerAdvantage("opo", { needs: { leastGroupSize: 2 }, doc: "score minus the group's mean weighted by length" })((input) => {
  const mask = input.mask.dataSync<"float32">();
  const width = input.mask.shape[1];
  const lengthOf = (row: number): number => mask.subarray(row * width, (row + 1) * width).reduce((a, b) => a + b, 0);
  return groupAdvantages(input, (scores, rows) => {
    const lengths = rows.map(lengthOf);
    const total = lengths.reduce((a, b) => a + b, 0);
    const baseline = scores.reduce((sum, score, i) => sum + lengths[i]! * score, 0) / (total || 1); // without a token there is nothing to train
    return scores.map((score) => score - baseline);
  });
});
