import { scope, tf } from "@verlet/backend";
import type { AdvantageInput, AdvantageOutput } from "@verlet/core";
import { allEqual } from "./masked.js";

/** Gives each row of one group its advantage from the group's scores (two or more, not all equal). */
export type GroupRule = (scores: readonly number[]) => readonly number[];

/**
 * Outcome advantages: one number a row from the scores of its group, the same on every token of the row.
 * One rule for all estimators that compare within a group:
 * - rows without a score get 0 and stay out of the group's statistics;
 * - a group with one scored row carries no comparison and gets 0 (verl's estimators variously give the raw score, 0 or
 *   an error), counted by `advantage/groups_of_one`;
 * - a group of equal scores gets exactly 0: tested by equality, because the rounding of its mean divided by a small
 *   epsilon can reach 1e-2.
 */
export function groupAdvantages({ scores, groups, mask }: AdvantageInput, rule: GroupRule): AdvantageOutput {
  const rows = new Float32Array(scores.length); // [B]
  const members = scoredRowsByGroup(scores, groups);
  let single = 0;
  let equal = 0;
  for (const indices of members.values()) {
    const own = indices.map((row) => scores[row]!);
    if (own.length === 1) single += 1;
    if (allEqual(own)) equal += 1;
    else rule(own).forEach((advantage, i) => (rows[indices[i]!] = advantage));
  }
  const advantages = broadcastRows(rows, mask); // [B, C]
  const count = members.size;
  return {
    advantages,
    returns: tf.clone(advantages),
    metrics: count === 0 ? {} : { frac_reward_zero_std: equal / count, "advantage/groups_of_one": single },
  };
}

/** Row indices of each group, leaving out rows without a score. */
export function scoredRowsByGroup(scores: Float32Array, groups: Int32Array): Map<number, number[]> {
  const members = new Map<number, number[]>();
  groups.forEach((group, row) => {
    if (Number.isNaN(scores[row]!)) return;
    members.set(group, [...(members.get(group) ?? []), row]);
  });
  return members;
}

/** One number a row on every active token: [B] and mask [B, C] → [B, C]. */
export function broadcastRows(rows: Float32Array, mask: tf.Tensor2D): tf.Tensor2D {
  return scope(() => tf.mul(tf.tensor2d(rows, [rows.length, 1]), mask));
}
