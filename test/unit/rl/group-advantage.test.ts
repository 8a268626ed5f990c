import { beforeAll, expect, test } from "vitest";
import { selectBackend, tf } from "@verlet/backend";
import type { AdvantageInput } from "@verlet/core";
import { compareGroups, groupAdvantages, groupMetrics, rewardToGo, tokenAdvantages, whitenedGroupAdvantages, type HostTokens } from "@verlet/rl";

beforeAll(() => selectBackend("cpu"));

/** [B, C] = [5, 2]: a group of rows 0, 2 and 4 that differ, row 3 alone, row 1 without a score in the first group. */
const input = (): AdvantageInput => ({
  scores: Float32Array.of(1, NaN, 0, 7, 5),
  groups: Int32Array.of(3, 3, 3, 8, 3),
  tokenRewards: tf.tensor2d([[0, 1], [0, 0], [0, 0], [7, 0], [0, 5]]),
  mask: tf.tensor2d([[1, 1], [1, 1], [1, 1], [1, 0], [1, 1]]),
});

test("a rule sees each group's scores and where its rows are; others keep 0", () => {
  const calls: unknown[] = [];
  const { rows, compared } = compareGroups(input(), (scores, places) => {
    calls.push([scores, places]);
    return scores.map((score) => score * 10);
  });
  expect(calls).toEqual([[[1, 0, 5], [0, 2, 4]]]);
  expect([...rows]).toEqual([10, 0, 0, 0, 50]);
  expect(compared).toEqual([true, false, true, false, true]);
});

test("equality is of the scores as they are: the rule is not asked", () => {
  const { rows, compared } = compareGroups({ scores: Float32Array.of(0.1, 0.1, 0.1), groups: Int32Array.of(0, 0, 0) }, () => [1, 1, 1]);
  expect([...rows]).toEqual([0, 0, 0]);
  expect(compared).toEqual([false, false, false]);
});

test("groups are counted over scored rows", () => {
  const given = input();
  expect(groupMetrics(given, [true, false, true, false, true])).toEqual({ frac_reward_zero_std: 0.5, "advantage/groups_of_one": 1 });
  expect(groupMetrics({ scores: Float32Array.of(NaN), groups: Int32Array.of(0) }, [false])).toEqual({});
});

test("outcome advantages stand on every token of the mask, twice", () => {
  tf.tidy(() => {
    const { advantages, returns } = groupAdvantages(input(), () => [1, 2, 3]);
    expect(advantages.arraySync()).toEqual([[1, 1], [0, 0], [2, 2], [0, 0], [3, 3]]);
    expect(returns.arraySync()).toEqual(advantages.arraySync());
    expect(returns.dataId).toBe(advantages.dataId); // one buffer, two owners
  });
});

test("whitened: rows that could not be compared count as 0 and get 0", () => {
  const { advantages } = tf.tidy(() => {
    const given = input();
    return { advantages: whitenedGroupAdvantages(given, { rows: Float32Array.of(1, 0, -1, 0, 2), compared: [true, false, true, false, true] }).advantages.arraySync() };
  });
  // seven tokens 1, 1, −1, −1, 0, 2, 2: mean 4/7
  const values = [1, 1, -1, -1, 0, 2, 2];
  const deviation = Math.sqrt(values.reduce((sum, value) => sum + (value - 4 / 7) ** 2, 0) / 6 + 1e-8);
  [1, undefined, -1, undefined, 2].forEach((value, row) => {
    for (const got of advantages[row]!) expect(got).toBeCloseTo(value === undefined ? 0 : (value - 4 / 7) / deviation, 5);
  });
});

const hostTokens = (rewards: number[], mask: number[], width: number): HostTokens => ({ rows: mask.length / width, width, rewards: Float32Array.from(rewards), mask: Float32Array.from(mask) });

test("reward to go, by hand: discounted once a token, holes passed over, each row by itself", () => {
  const tokens = hostTokens([1, 2, 4, 8, 0, 0, 0, 1], [1, 1, 1, 1, 1, 0, 1, 1], 4);
  expect([...rewardToGo(tokens)]).toEqual([15, 14, 12, 8, 1, 0, 1, 1]);
  expect([...rewardToGo(tokens, 0.5)]).toEqual([1 + 1 + 1 + 1, 2 + 2 + 2, 4 + 4, 8, 0.25, 0, 0.5, 1]);
});

test("a reward that stands in a hole is not the policy's", () => {
  expect([...rewardToGo(hostTokens([0, 9, 1], [1, 0, 1], 3))]).toEqual([1, 0, 1]);
});

test("token rules see no unscored row, and what they say outside the mask is dropped", () => {
  tf.tidy(() => {
    const { advantages, returns, metrics } = tokenAdvantages(input(), ({ rows, width, mask, rewards }) => {
      expect([rows, width]).toEqual([5, 2]);
      expect([...mask]).toEqual([1, 1, 0, 0, 1, 1, 1, 0, 1, 1]);
      expect([...rewards]).toEqual([0, 1, 0, 0, 0, 0, 7, 0, 0, 5]);
      return { advantages: new Array<number>(10).fill(3), returns: new Array<number>(10).fill(NaN).with(0, 4).with(1, 4).fill(4, 4), metrics: { seen: 1 } };
    });
    expect(advantages.arraySync()).toEqual([[3, 3], [0, 0], [3, 3], [3, 0], [3, 3]]);
    expect(returns.arraySync()).toEqual([[4, 4], [0, 0], [4, 4], [4, 0], [4, 4]]);
    expect(metrics).toEqual({ seen: 1 });
  });
});
