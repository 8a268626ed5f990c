import { scope, tf } from "@verlet/backend";
import type { AdvantageInput, AdvantageOutput, Metrics } from "@verlet/core";
import { allEqual, whiten } from "./masked.js";
import { tokenAdvantages } from "./token-advantage.js";

/**
 * Gives each row of one group its advantage from the group's scores (two or more, not all equal).
 * @param rows the rows' places in the batch
 */
export type GroupRule = (scores: readonly number[], rows: readonly number[]) => readonly number[];

type Grouped = Pick<AdvantageInput, "scores" | "groups">;

/** What comparing each row with its group gave. */
export interface GroupComparison {
  /** [B] */
  rows: Float32Array;
  /** [B], whether the row's group has scores that differ. */
  compared: readonly boolean[];
}

/**
 * Compares each row with its group, by its score; verl adds up the token rewards instead, those outside the mask too. One
 * rule for all estimators:
 * - rows without a score get 0 and stay out of the group's statistics;
 * - a group with one scored row carries no comparison and gets 0 (verl's estimators variously give the raw score, 0 or
 *   an error);
 * - a group of equal scores gets exactly 0: tested by equality, because the rounding of its mean divided by a small
 *   epsilon can reach 1e-2.
 */
export function compareGroups({ scores, groups }: Grouped, rule: GroupRule): GroupComparison {
  const rows = new Float32Array(scores.length); // [B]
  const compared = new Array<boolean>(scores.length).fill(false);
  for (const members of scoredRowsByGroup(scores, groups).values()) {
    const own = members.map((row) => scores[row]!);
    if (allEqual(own)) continue;
    rule(own, members).forEach((advantage, i) => {
      rows[members[i]!] = advantage;
      compared[members[i]!] = true;
    });
  }
  return { rows, compared };
}

/** Outcome advantages: one number a row from the scores of its group, the same on every token of the row. */
export function groupAdvantages(input: AdvantageInput, rule: GroupRule): AdvantageOutput {
  const { rows, compared } = compareGroups(input, rule);
  const advantages = broadcastRows(rows, input.mask); // [B, C]
  return { advantages, returns: tf.clone(advantages), metrics: groupMetrics(input, compared) };
}

/**
 * Outcome advantages whitened over all scored tokens of the batch. Rows that could not be compared count there as 0, and
 * get 0: verl gives them the shift that whitening takes off everything.
 */
export function whitenedGroupAdvantages(input: AdvantageInput, { rows, compared }: GroupComparison): AdvantageOutput {
  return tokenAdvantages(input, ({ mask, width }) => {
    const rowOf = (i: number): number => Math.floor(i / width);
    const whitened = whiten(mask.map((_, i) => rows[rowOf(i)]!), mask).map((value, i) => (compared[rowOf(i)] ? value : 0)); // [B, C]
    return { advantages: whitened, returns: whitened, metrics: groupMetrics(input, compared) };
  });
}

/** How many groups had nothing to compare; nothing where no row was scored. */
export function groupMetrics({ scores, groups }: Grouped, compared: readonly boolean[]): Metrics {
  const members = [...scoredRowsByGroup(scores, groups).values()];
  if (members.length === 0) return {};
  return {
    frac_reward_zero_std: members.filter((rows) => !rows.some((row) => compared[row])).length / members.length,
    "advantage/groups_of_one": members.filter((rows) => rows.length === 1).length,
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
