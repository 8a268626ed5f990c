import { beforeAll, describe, expect, test } from "vitest";
import { selectBackend, tf } from "@verlet/backend";
import { createComponent, registry, type Advantage, type RewardScores } from "@verlet/core";
import "@verlet/plugins/advantage-group";
import { advantageContract, compute, input } from "../../contracts/advantage.js";
import { trainingBackends } from "../../helpers/backends.js";

beforeAll(() => selectBackend(trainingBackends[0]!));

const make = (name: string, options: Record<string, unknown> = {}): Advantage => createComponent("advantage", name, options);
const close = (got: readonly number[], expected: readonly number[]): void => expect(got.map((value) => Math.round(value * 1e5) / 1e5 + 0)).toEqual(expected.map((value) => Math.round(value * 1e5) / 1e5 + 0));

const names = ["drgrpo", "gdpo", "gpg", "grpo", "grpo_passk", "opo", "rloo"];
for (const name of names) describe(`advantage ${name}`, () => advantageContract(() => make(name)));

test("all of them compare within groups, and say so", () => {
  for (const name of names) expect(registry.get("advantage", name).needs.leastGroupSize, name).toBe(2);
  expect(registry.get("advantage", "gdpo").needs).toEqual({ leastGroupSize: 2, perRewardScores: true });
});

describe("by hand: scores 1, 0, 0.5 on 3, 2 and 1 tokens, and a group of equal ones", () => {
  const firsts = (name: string, options = {}): number[] => compute(make(name, options), [1, 0, 0.5, 0, 0], [0, 0, 0, 1, 1]).map((row) => row[0]!);

  test.each<[string, Record<string, unknown>, number[]]>([
    ["drgrpo", {}, [0.5, -0.5, 0, 0, 0]], // mean 0.5
    ["grpo", { epsilon: 0 }, [1, -1, 0, 0, 0]], // ±0.5 / 0.5
    ["rloo", {}, [0.75, -0.75, 0, 0, 0]], // 1 − (0 + 0.5)/2, 0 − (1 + 0.5)/2, 0.5 − (1 + 0)/2
    ["grpo_passk", { normalize: false }, [0.5, 0, 0, 0, 0]], // 1 − 0.5
    ["grpo_passk", { epsilon: 0 }, [1, 0, 0, 0, 0]], // 0.5 / 0.5
    ["opo", {}, [1 - 3.5 / 6, -3.5 / 6, 0.5 - 3.5 / 6, 0, 0]], // (3·1 + 2·0 + 1·0.5) / 6
    ["gpg", {}, [1.25, -1.25, 0, 0, 0]], // 5 rows, 2 of them not 0: α = 2.5
    ["gpg", { fNorm: 2 }, [0.625, -0.625, 0, 0, 0]],
  ])("%s %j", (name, options, expected) => close(firsts(name, options), expected));
});

test("grpo_passk gives nothing where two rows are best", () => {
  close(compute(make("grpo_passk"), [1, 1, 0], [0, 0, 0]).flat(), new Array(9).fill(0));
});

test("gpg counts scored rows alone", () => {
  const [first] = compute(make("gpg"), [1, 0, NaN, NaN], [0, 0, 1, 1]);
  close(first!, [1, 1, 1]); // α = 2 scored rows / 1 that is not 0, times 0.5
});

test("groups of one and of equal scores are counted", () => {
  for (const name of names) {
    const metrics = tf.tidy(() => make(name).compute(input([1, 0, 3, 2, 2], [0, 0, 1, 2, 2])).metrics);
    expect(metrics, name).toEqual({ frac_reward_zero_std: 2 / 3, "advantage/groups_of_one": 1 });
    expect(tf.tidy(() => make(name).compute(input([NaN, NaN], [0, 0])).metrics), name).toEqual({});
  }
});

describe("gdpo", () => {
  /** Two rows of one group and a token each. */
  function ofRewards(...parts: [weight: number, scores: number[]][]): number[] {
    const rewardScores = parts.map(([weight, scores], k): RewardScores => ({ name: `r${k}`, weight, scores: Float32Array.from(scores) }));
    const scores = parts[0]![1].map((_, row) => parts.reduce((sum, [weight, own]) => sum + weight * (Number.isNaN(own[row]!) ? 0 : own[row]!), 0));
    const lengths = scores.map(() => 1);
    return tf.tidy(() => make("gdpo", { epsilon: 0 }).compute({ ...input(scores, scores.map(() => 0), lengths), rewardScores }).advantages.arraySync()).map((row) => row[0]!);
  }

  test("normalises each reward before the sum: its scale does not count, its weight does", () => {
    // ±1/√2 and ∓1/√2 · ½ are ±1/√8; two tokens with mean 0 and variance 2/8 whiten to ±1/√2
    close(ofRewards([1, [1, 0]], [0.5, [0, 10]]), [Math.SQRT1_2, -Math.SQRT1_2]);
    expect(ofRewards([1, [1, 0]], [0.5, [0, 10]])).toEqual(ofRewards([1, [1, 0]], [0.5, [0, 10_000]]));
    close(ofRewards([1, [1, 0]], [2, [0, 10]]), [-Math.SQRT1_2, Math.SQRT1_2]);
  });

  test("a reward that could not be computed for a row adds nothing there and nothing to its statistics", () => {
    // the second reward compares rows 0 and 1 alone: 1/√2, −1/√2; the first all three: 1, 0, −1
    const [a, b, c] = [1 + Math.SQRT1_2, -Math.SQRT1_2, -1];
    const mean = (a + b + c) / 3;
    const deviation = Math.sqrt(((a - mean) ** 2 + (b - mean) ** 2 + (c - mean) ** 2) / 2);
    close(ofRewards([1, [2, 1, 0]], [1, [5, 3, NaN]]), [(a - mean) / deviation, (b - mean) / deviation, (c - mean) / deviation]);
  });

  test("is not grpo on the weighted sum, where the larger reward drowns the other", () => {
    const grpo = compute(make("grpo", { epsilon: 0 }), [1, 10, 0], [0, 0, 0], [1, 1, 1]).map((row) => row[0]!);
    const gdpo = ofRewards([1, [1, 0, 0]], [1, [0, 10, 0]]);
    expect(grpo[1]).toBeGreaterThan(1.1);
    expect(grpo[0]).toBeLessThan(0);
    expect(gdpo[0]).toBeCloseTo(gdpo[1]!, 5); // each is best at one reward
  });

  test("without each reward's own scores it says what is missing", () => {
    const { rewardScores: _, ...without } = input([1, 0], [0, 0]);
    expect(() => make("gdpo").compute(without)).toThrow(/^\[advantage gdpo\] the batch has no `rewardScores`: got only scores, tokenRewards, .*\. Use an algorithm that provides it/);
  });
});
