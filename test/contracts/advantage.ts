/** What every advantage estimator must do, whatever its formula. */
import { expect, test } from "vitest";
import { tf } from "@verlet/backend";
import type { Advantage, AdvantageInput } from "@verlet/core";

const mask = [
  [1, 1, 1],
  [1, 1, 0],
  [1, 0, 0],
  [1, 1, 1],
  [1, 1, 0],
]; // [5, 3]

export function input(scores: readonly number[], groups: readonly number[]): AdvantageInput {
  const rewards = mask.map((row, i) => row.map((_, t) => (t === row.lastIndexOf(1) ? scores[i]! : 0)));
  return {
    scores: Float32Array.from(scores),
    tokenRewards: tf.tensor2d(rewards.map((row) => row.map((r) => (Number.isNaN(r) ? 0 : r)))),
    mask: tf.tensor2d(mask),
    groups: Int32Array.from(groups),
  };
}

export const compute = (advantage: Advantage, scores: readonly number[], groups: readonly number[]): number[][] =>
  tf.tidy(() => advantage.compute(input(scores, groups)).advantages.arraySync());

export function advantageContract(make: () => Advantage): void {
  const groups = [0, 0, 1, 1, 1];

  test("keeps the shape, is finite and 0 outside the mask", () => {
    const rows = compute(make(), [1, 0, 0.5, 0.25, 1], groups);
    expect(rows.map((row) => row.length)).toEqual([3, 3, 3, 3, 3]);
    rows.forEach((row, i) => row.forEach((a, t) => (mask[i]![t] ? expect(Number.isFinite(a)).toBe(true) : expect(Math.abs(a)).toBe(0)))); // −0 counts as 0
  });

  test("a better row of a group never gets less than a worse one", () => {
    const [better, worse] = compute(make(), [1, 0, 0.5, 0.25, 1], groups);
    expect(better![0]).toBeGreaterThan(worse![0]!);
  });

  test("equal scores give exactly 0, also where their mean is not exact in float32", () => {
    for (const row of compute(make(), [0.3, 0.3, 0.1, 0.1, 0.1], groups)) expect(row).toEqual([0, 0, 0]);
  });

  test("a group of one gets 0", () => {
    expect(compute(make(), [5, 1, 0, 1, 2], [7, 0, 0, 0, 0])[0]).toEqual([0, 0, 0]);
  });

  test("a row without a score gets 0 and does not change its group", () => {
    const withNull = compute(make(), [1, 0, NaN, 0.25, 1], groups);
    const without = compute(make(), [1, 0, 9, 0.25, 1], [0, 0, 5, 1, 1]);
    expect(withNull[2]).toEqual([0, 0, 0]);
    expect(withNull.slice(3)).toEqual(without.slice(3));
  });

  test("the order of rows does not matter", () => {
    const forward = compute(make(), [1, 0, 0.5, 0.25, 1], [0, 0, 0, 0, 0]).map((row) => row[0]!);
    const backward = compute(make(), [1, 0.25, 0.5, 0, 1], [0, 0, 0, 0, 0]).map((row) => row[0]!);
    expect(backward).toEqual([forward[4], forward[3], forward[2], forward[1], forward[0]]);
  });

  test("leaves no tensor behind but its two results", () => {
    const given = input([1, 0, 0.5, 0.25, 1], groups);
    const advantage = make();
    const before = tf.memory().numTensors;
    const { advantages, returns } = advantage.compute(given);
    expect(tf.memory().numTensors).toBe(before + 2);
    tf.dispose([advantages, returns, given.mask, given.tokenRewards]);
  });
}
