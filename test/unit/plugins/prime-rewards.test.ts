import { describe, expect, test } from "vitest";
import { tf } from "@verlet/backend";
import { loadBuiltins } from "@verlet/config";
import { Rng, type ScoredBatch, type ScoredRollout } from "@verlet/core";
import { binaryCrossEntropy, combineRewards, outcomesOf, pairAccuracy, primeAdvantage, processRewards, sampleByAccuracy } from "@verlet/plugins/algorithm-prime";
import { describeOnBackends } from "../../helpers/backends.js";
import { maxDifference } from "../../helpers/fixtures.js";

await loadBuiltins();

const rollout = (group: number, score: number | null, finished = true): ScoredRollout => ({
  prompt: { ids: [1], text: "", row: {} },
  group,
  completionIds: [2, 3],
  completion: "7 + 5 = 11",
  logProbs: new Float32Array(2),
  finished,
  score,
  rewards: { accuracy: score },
});

describe("process rewards", () => {
  const shape = { lengths: [4, 2], width: 4 };
  const q = Float32Array.of(1, -2, 4, 100, 3, 100, 0, 0); // the last token of each row stands for the outcome

  test("are β·q on every token but the last", () => {
    expect([...processRewards(q, shape, { beta: 0.5, normalize: false })]).toEqual([0.5, -1, 2, 0, 1.5, 0, 0, 0]);
  });

  test("are divided by the largest reward to go of the batch, whatever its sign", () => {
    // To go: row 0: 1.5, 1, 2; row 1: 1.5.
    expect(maxDifference(processRewards(q, shape, { beta: 0.5, normalize: true }), [0.5, -1, 2, 0, 1.5, 0, 0, 0].map((r) => r / (2 + 1e-6)))).toBeLessThan(1e-6);
    const negative = q.map((value) => -value);
    expect(maxDifference(processRewards(negative, shape, { beta: 0.5, normalize: true }), [-0.5, 1, -2, 0, -1.5, 0, 0, 0].map((r) => r / (2 + 1e-6)))).toBeLessThan(1e-6);
  });

  test("a reward model that has not moved gives none, normalised or not", () => {
    expect([...processRewards(new Float32Array(8), shape, { beta: 0.05, normalize: true })]).toEqual(new Array(8).fill(0));
  });
});

interface Batch {
  process: Float32Array;
  outcomes: Float32Array;
  groups: Int32Array;
  lengths: Int32Array;
  width: number;
}

/** verl's recipe, row by row and token by token, for contiguous groups of n rows. */
function recipe({ process, outcomes, lengths, width }: Batch, n: number, processCoef: number, outcomeCoef: number): number[][] {
  const rows = lengths.length;
  const combined = Array.from({ length: rows }, () => new Array<number>(width).fill(0));
  const leaveOneOut = (rewards: number[][], mask: boolean[][], coef: number): void => {
    for (let start = 0; start < rows; start += n) {
      let sum = 0;
      for (let row = start; row < start + n; row++) {
        const active = rewards[row]!.filter((_, t) => mask[row]![t]);
        sum += active.reduce((a, b) => a + b, 0) / active.length;
      }
      for (let row = start; row < start + n; row++) {
        for (let t = 0; t < width; t++) if (mask[row]![t]) combined[row]![t]! += coef * (rewards[row]![t]! * (n / (n - 1)) - sum / (n - 1));
      }
    }
  };
  const grid = <T>(of: (row: number, t: number) => T): T[][] => Array.from({ length: rows }, (_, row) => Array.from({ length: width }, (_, t) => of(row, t)));
  leaveOneOut(grid((row, t) => process[row * width + t]!), grid((row, t) => t < lengths[row]!), processCoef);
  leaveOneOut(grid((row, t) => (t === lengths[row]! - 1 ? outcomes[row]! : 0)), grid((row, t) => t === lengths[row]! - 1), outcomeCoef);
  return combined;
}

function randomBatch(): Batch {
  const rng = new Rng(4);
  const lengths = Int32Array.of(5, 3, 1, 4, 6, 2);
  const width = 6;
  const process = new Float32Array(lengths.length * width);
  lengths.forEach((length, row) => {
    for (let t = 0; t < length - 1; t++) process[row * width + t] = rng.normal();
  });
  return { process, outcomes: Float32Array.of(1, 0, 0.5, 0, 0, 1), groups: Int32Array.of(0, 0, 0, 1, 1, 1), lengths, width };
}

describe("the two leave-one-out rewards", () => {
  test("by hand: two rows of one group", () => {
    const batch = { process: Float32Array.of(1, 0, 0, 3, 0, 0), outcomes: Float32Array.of(1, 0), groups: Int32Array.of(0, 0), lengths: Int32Array.of(2, 3), width: 3 };
    // n = 2: twice the reward minus the sum of the rows' means, 1/2 + 3/3 = 1.5; outcome: twice it minus 1.
    const expected = [10 * (2 - 1.5), 10 * (0 - 1.5) + 100 * (2 - 1), 0, 10 * (6 - 1.5), 10 * -1.5, 10 * -1.5 + 100 * (0 - 1)];
    expect(maxDifference(combineRewards(batch, { processCoef: 10, outcomeCoef: 100 }), expected)).toBeLessThan(1e-4);
  });

  test.each([[5, 5], [5, 0], [0, 5], [0.3, 2]])("are those of verl's recipe with coefficients %f and %f", (processCoef, outcomeCoef) => {
    const batch = randomBatch();
    const expected = recipe(batch, 3, processCoef, outcomeCoef).flat();
    expect(maxDifference(combineRewards(batch, { processCoef, outcomeCoef }), expected)).toBeLessThan(1e-5);
  });

  test("outcomes that are all equal and no process rewards give exactly 0", () => {
    for (const y of [0, 0.3, 1]) {
      const batch = { ...randomBatch(), process: new Float32Array(36), outcomes: new Float32Array(6).fill(y) };
      expect(Math.max(...combineRewards(batch, { processCoef: 5, outcomeCoef: 5 }).map(Math.abs))).toBeLessThan(1e-6);
    }
  });

  test("a row without a score, a group with one scored row and an empty completion get 0 and leave the others alone", () => {
    const { process, lengths, width } = randomBatch();
    const groups = Int32Array.of(0, 0, 0, 1, 1, 1);
    const outcomes = Float32Array.of(1, NaN, 0, NaN, NaN, 1);
    const combined = combineRewards({ process, outcomes, groups, lengths, width }, { processCoef: 1, outcomeCoef: 1 });
    const row = (i: number): Float32Array => combined.subarray(i * width, (i + 1) * width);
    for (const i of [1, 3, 4, 5]) expect([...row(i)], `row ${i}`).toEqual(new Array(width).fill(0));
    const pair = recipe({ process: Float32Array.of(...process.subarray(0, width), ...process.subarray(2 * width, 3 * width)), outcomes: Float32Array.of(1, 0), groups: Int32Array.of(0, 0), lengths: Int32Array.of(5, 1), width }, 2, 1, 1);
    expect(maxDifference(row(0), pair[0]!)).toBeLessThan(1e-6);
    expect(maxDifference(row(2), pair[1]!)).toBeLessThan(1e-6);
    const empty = combineRewards({ process, outcomes: Float32Array.of(1, 0, 1, 0, 0, 1), groups, lengths: Int32Array.of(5, 0, 1, 4, 6, 2), width }, { processCoef: 1, outcomeCoef: 1 });
    expect([...empty.subarray(width, 2 * width)]).toEqual(new Array(width).fill(0));
    expect(empty.every(Number.isFinite)).toBe(true);
  });
});

describeOnBackends("PRIME's advantage", () => {
  test("is the reward to go, whitened over the batch; 0 for rows without a score", () => {
    const batch = randomBatch();
    const { process, lengths, width, groups } = batch;
    const rows = lengths.length;
    const mask = Float32Array.from({ length: rows * width }, (_, i) => (i % width < lengths[Math.floor(i / width)]! ? 1 : 0));
    const combined = recipe(batch, 3, 5, 5).flat();
    const returns = combined.map((_, i) => (mask[i] ? combined.slice(i, (Math.floor(i / width) + 1) * width).reduce((a, b) => a + b, 0) : 0));
    const active = returns.filter((_, i) => mask[i]);
    const mean = active.reduce((a, b) => a + b, 0) / active.length;
    const variance = active.reduce((a, b) => a + (b - mean) ** 2, 0) / (active.length - 1);
    tf.tidy(() => {
      const tensors = { tokenRewards: tf.zeros<tf.Rank.R2>([rows, width]), mask: tf.tensor2d(mask, [rows, width]) };
      const output = primeAdvantage(process, batch.outcomes, lengths, { processCoef: 5, outcomeCoef: 5 }).compute({ scores: batch.outcomes, groups, ...tensors });
      expect(maxDifference(output.returns.dataSync(), returns)).toBeLessThan(1e-4);
      expect(maxDifference(output.advantages.dataSync(), returns.map((value, i) => (mask[i] ? (value - mean) / Math.sqrt(variance + 1e-8) : 0)))).toBeLessThan(1e-5);
      const partly = Float32Array.of(1, 0, 0.5, NaN, NaN, 1);
      const rest = primeAdvantage(process, partly, lengths, { processCoef: 5, outcomeCoef: 5 }).compute({ scores: partly, groups, ...tensors });
      expect([...rest.advantages.dataSync().subarray(3 * width, 5 * width)]).toEqual(new Array(2 * width).fill(0));
      expect(rest.metrics).toEqual({ "advantage/groups_of_one": 1 });
    });
  });

  test("binary cross-entropy and its gradient, also where the sigmoid underflows", () => {
    const x = [-2, 0, 3, 200, -200, 0.5];
    const y = [0, 1, 0.25, 0, 1, 1];
    const sigmoid = (z: number): number => 1 / (1 + Math.exp(-z));
    tf.tidy(() => {
      const { value, grad } = tf.valueAndGrad((logits: tf.Tensor) => binaryCrossEntropy(logits as tf.Tensor1D, tf.tensor1d(y)))(tf.tensor1d(x));
      const expected = x.map((z, i) => (Math.abs(z) > 100 ? Math.abs(z) : -y[i]! * Math.log(sigmoid(z)) - (1 - y[i]!) * Math.log(1 - sigmoid(z))));
      expect(maxDifference(value.dataSync(), expected)).toBeLessThan(1e-5);
      expect(maxDifference(grad.dataSync(), x.map((z, i) => sigmoid(z) - y[i]!))).toBeLessThan(1e-6);
    });
  });
});

test("pairs within a group are counted by how far their outcomes lie apart", () => {
  const groups = Int32Array.of(0, 0, 0, 1, 1);
  // Pairs: (0,1) apart 1, right; (0,2) apart 0.5, wrong; (1,2) apart −0.5, right; group 1: equal outcomes.
  expect(pairAccuracy([2, 1, 3, 5, 6], Float32Array.of(1, 0, 0.5, 1, 1), groups)).toBeCloseTo(1.5 / 2, 10);
  expect(pairAccuracy([2, 1], Float32Array.of(1, 1), Int32Array.of(0, 0))).toBeUndefined();
  expect(pairAccuracy([2, 1], Float32Array.of(NaN, 1), Int32Array.of(0, 0))).toBeUndefined();
});

test("an outcome lies in [0, 1]; anything else is named with its rewards and the way out", () => {
  expect([...outcomesOf([rollout(0, 1), rollout(0, 0.25), rollout(0, null)])]).toEqual([1, 0.25, NaN]);
  expect(() => outcomesOf([rollout(0, 1), rollout(0, 1.5)])).toThrow(
    '[algorithm prime] a score is no outcome: got 1.5 (accuracy 1.5) for "7 + 5 = 11", expected a number from 0 (wrong) to 1 (right). Keep one reward that says right or wrong, such as accuracy, or weights that keep the sum in that range.',
  );
  expect(() => outcomesOf([rollout(0, -1)])).toThrow("got -1 (accuracy -1)");
});

describe("the accuracy filter", () => {
  const filter = { prompts: 2, oversample: 3, lowest: 0.2, highest: 0.8, dropTruncated: true };
  /** Each batch is a list of groups, a group a list of scores; a string is a score of a completion that was cut off. */
  function draws(batches: (number | null | string)[][][]): { draw: (firstGroup: number) => Promise<ScoredBatch>; calls: number[] } {
    const calls: number[] = [];
    const draw = async (firstGroup: number): Promise<ScoredBatch> => {
      const groups = batches[calls.length]!;
      calls.push(firstGroup);
      return { rollouts: groups.flatMap((scores, i) => scores.map((score) => rollout(firstGroup + i, score === null ? null : Number(score), typeof score !== "string"))), metrics: { reward: calls.length } };
    };
    return { draw, calls };
  }
  const groupsOf = ({ rollouts }: ScoredBatch): number[] => [...new Set(rollouts.map(({ group }) => group))];

  test("keeps groups solved sometimes, bounds included, and draws on until there are enough", async () => {
    const { draw, calls } = draws([[[1, 1, 1, 1, 1], [1, 1, 1, 1, 0]], [[1, 0, 0, 0, 0], [0, 0, 0, 0, 0]]]);
    const batch = await sampleByAccuracy(draw, filter);
    expect(groupsOf(batch)).toEqual([1, 2]);
    expect(calls).toEqual([0, 2]);
    expect(batch.metrics).toEqual({
      reward: 1.5,
      "dynamic_sampling/refills": 1,
      "dynamic_sampling/groups_sampled": 4,
      "dynamic_sampling/groups_dropped": 2,
      "dynamic_sampling/groups_unused": 0,
      "dynamic_sampling/groups_filled": 0,
    });
  });

  test("fills a batch that stays short with the other groups, after those that passed", async () => {
    const { draw, calls } = draws([[[1, 1], [0, 0]], [[0, 0], [1, 1]], [[1, 1], [1, 0]]]);
    const batch = await sampleByAccuracy(draw, filter);
    expect(calls).toEqual([0, 2, 4]);
    expect(groupsOf(batch)).toEqual([5, 0]);
    expect(batch.metrics["dynamic_sampling/groups_filled"]).toBe(1);
  });

  test("passes over groups that were cut off, unless told not to, and over groups without a score", async () => {
    const batches = [[[1, "0"], [null, null]], [[1, 0], [0, 1]]];
    expect(groupsOf(await sampleByAccuracy(draws(batches).draw, filter))).toEqual([2, 3]);
    expect(groupsOf(await sampleByAccuracy(draws(batches).draw, { ...filter, dropTruncated: false }))).toEqual([0, 2]);
    expect(groupsOf(await sampleByAccuracy(draws([[[1, null, 0], [1, 0, 1]]]).draw, filter))).toEqual([0, 1]);
  });
});
