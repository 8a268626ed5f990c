import { expect } from "vitest";
import { tf } from "@verlet/backend";
import type { Advantage, AdvantageInput } from "@verlet/core";
import { testRules, type Skips } from "./contract-rules.js";

const WIDTH = 3; // C
/** Tokens of each row. */
const usual = [3, 2, 1, 3, 2];

/**
 * A batch as an estimator sees it: C = 3, each row's score on its last token, and everything that an estimator may need.
 * The critic's values and the greedy scores are 0, the one reward is the score itself, and the policy is the one that sampled.
 * @param scores [B]; NaN = could not be scored
 * @param groups [B]
 * @param lengths [B], tokens of each row, 1 to 3
 */
export function advantageInput(scores: readonly number[], groups: readonly number[], lengths: readonly number[] = usual.slice(0, scores.length)): Required<AdvantageInput> {
  const shape: [number, number] = [scores.length, WIDTH];
  const cells = (value: (row: number, t: number) => number): tf.Tensor2D =>
    tf.tensor2d(Float32Array.from({ length: scores.length * WIDTH }, (_, i) => value(Math.floor(i / WIDTH), i % WIDTH)), shape);
  return {
    scores: Float32Array.from(scores),
    tokenRewards: cells((row, t) => (t === lengths[row]! - 1 && !Number.isNaN(scores[row]!) ? scores[row]! : 0)),
    mask: cells((row, t) => (t < lengths[row]! ? 1 : 0)),
    groups: Int32Array.from(groups),
    values: cells(() => 0),
    greedyScores: new Float32Array(scores.length),
    rewardScores: [{ name: "score", weight: 1, scores: Float32Array.from(scores) }],
    oldLogProbs: cells(() => Math.log(0.5)),
    sumPiSquared: cells(() => 0.5),
    importanceWeights: cells(() => 1),
  };
}

/** The advantages of such a batch, [B, C]. */
export function advantagesOf(advantage: Advantage, scores: readonly number[], groups: readonly number[], lengths?: readonly number[]): number[][] {
  return tf.tidy(() => advantage.compute(advantageInput(scores, groups, lengths)).advantages.arraySync());
}

const scores = [1, 0, 0.5, 0.25, 1];
const groups = [0, 0, 1, 1, 1];

/** Sums in another order may round differently. */
const expectClose = (got: readonly number[][], expected: readonly number[][]): void =>
  got.forEach((row, i) => row.forEach((a, t) => expect(a, `row ${i}, token ${t}`).toBeCloseTo(expected[i]![t]!, 5)));

/** Rows of three tokens whose middle one is not the policy's own, as tool output is. */
function advantagesWithHole(advantage: Advantage): number[][] {
  return tf.tidy(() => advantage.compute({ ...advantageInput(scores, groups, [3, 3, 3, 3, 3]), mask: tf.tensor2d(scores.map(() => [1, 0, 1])) }).advantages.arraySync());
}

const rules = {
  "keeps the shape, is finite and 0 outside the mask": (make: () => Advantage) => {
    const rows = advantagesOf(make(), scores, groups);
    expect(rows.map((row) => row.length)).toEqual([3, 3, 3, 3, 3]);
    rows.forEach((row, i) => row.forEach((a, t) => (t < usual[i]! ? expect(Number.isFinite(a)).toBe(true) : expect(Math.abs(a)).toBe(0)))); // −0 counts as 0
  },
  "a better row of a group never gets less than a worse one": (make: () => Advantage) => {
    const [better, worse] = advantagesOf(make(), scores, groups);
    expect(better![0]).toBeGreaterThan(worse![0]!);
  },
  "equal scores give exactly 0, also where their mean is not exact in float32": (make: () => Advantage) => {
    for (const row of advantagesOf(make(), [0.3, 0.3, 0.1, 0.1, 0.1], groups)) expect(row.map(Math.abs)).toEqual([0, 0, 0]);
  },
  "a group of one gets 0": (make: () => Advantage) => {
    expect(advantagesOf(make(), [5, 1, 0, 1, 2], [7, 0, 0, 0, 0])[0]!.map(Math.abs)).toEqual([0, 0, 0]);
  },
  "a row without a score gets 0": (make: () => Advantage) => {
    expect(advantagesOf(make(), [1, 0, NaN, 0.25, 1], groups)[2]!.map(Math.abs)).toEqual([0, 0, 0]);
  },
  "a row without a score changes nothing for the others": (make: () => Advantage) => {
    const withNull = advantagesOf(make(), [1, 0, NaN, 0.25, 1], groups);
    const without = advantagesOf(make(), [1, 0, 0.25, 1], [0, 0, 1, 1], [3, 2, 3, 2]);
    expectClose(withNull.toSpliced(2, 1), without);
  },
  "a batch without any score gives 0 throughout": (make: () => Advantage) => {
    for (const row of advantagesOf(make(), [NaN, NaN, NaN, NaN, NaN], groups)) expect(row.map(Math.abs)).toEqual([0, 0, 0]);
  },
  "a batch of one row is finite": (make: () => Advantage) => {
    const [row] = advantagesOf(make(), [1], [0]);
    expect(row!.map(Number.isFinite)).toEqual([true, true, true]);
  },
  "a hole in the mask gets 0 and does not change the tokens around it": (make: () => Advantage) => {
    const whole = advantagesOf(make(), scores, groups, [2, 2, 2, 2, 2]);
    const holed = advantagesWithHole(make());
    expect(holed.map((row) => Math.abs(row[1]!))).toEqual([0, 0, 0, 0, 0]);
    expectClose(holed.map((row) => row.toSpliced(1, 1)), whole.map((row) => row.slice(0, 2)));
  },
  "the order of rows does not matter": (make: () => Advantage) => {
    const forward = advantagesOf(make(), scores, groups);
    const backward = advantagesOf(make(), scores.toReversed(), groups.toReversed(), usual.toReversed());
    expectClose(backward.toReversed(), forward);
  },
  "leaves no tensor behind but its two results": (make: () => Advantage) => {
    const given = advantageInput(scores, groups);
    const advantage = make();
    const before = tf.memory().numTensors;
    const { advantages, returns } = advantage.compute(given);
    expect(tf.memory().numTensors).toBe(before + 2);
    expect(returns.shape).toEqual(advantages.shape);
    tf.dispose([advantages, returns, given as unknown as tf.TensorContainerObject]);
  },
};

/**
 * What every advantage estimator must do, whatever its formula.
 * @param skip rules that its definition breaks, each with the reason
 */
export function advantageContract(make: () => Advantage, { skip = {} }: { skip?: Skips<typeof rules> } = {}): void {
  testRules(rules, make, skip);
}
