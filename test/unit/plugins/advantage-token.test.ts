import { beforeAll, describe, expect, test } from "vitest";
import { selectBackend, tf } from "@verlet/backend";
import { createComponent, registry, type Advantage, type AdvantageInput } from "@verlet/core";
import "@verlet/plugins/advantage-token";
import { advantageContract, input } from "../../contracts/advantage.js";
import { trainingBackends } from "../../helpers/backends.js";

beforeAll(() => selectBackend(trainingBackends[0]!));

const make = (name: string, options: Record<string, unknown> = {}): Advantage => createComponent("advantage", name, options);

/** Runs an estimator on [B, C] rewards, mask and whatever else it takes. */
function run(name: string, options: Record<string, unknown>, given: { rewards: number[][]; mask: number[][] } & Partial<Record<"values" | "oldLogProbs" | "sumPiSquared" | "importanceWeights", number[][]>> & Partial<Pick<AdvantageInput, "scores" | "groups" | "greedyScores">>): { advantages: number[][]; returns: number[][] } {
  return tf.tidy(() => {
    const { rewards, mask, scores, groups, greedyScores, ...tokens } = given;
    const { advantages, returns } = make(name, options).compute({
      scores: scores ?? Float32Array.from(rewards, (row) => row.reduce((a, b) => a + b, 0)),
      groups: groups ?? Int32Array.from(rewards, () => 0),
      tokenRewards: tf.tensor2d(rewards),
      mask: tf.tensor2d(mask),
      ...(greedyScores && { greedyScores }),
      ...Object.fromEntries(Object.entries(tokens).map(([key, values]) => [key, tf.tensor2d(values)])),
    });
    return { advantages: advantages.arraySync(), returns: returns.arraySync() };
  }) as unknown as { advantages: number[][]; returns: number[][] };
}

function close(got: readonly number[][], expected: readonly number[][]): void {
  got.forEach((row, i) => row.forEach((value, t) => expect(value, `row ${i}, token ${t}`).toBeCloseTo(expected[i]![t]!, 5)));
}

const noGroups = { "equal scores give exactly 0, also where their mean is not exact in float32": "compares over the batch, not within groups", "a group of one gets 0": "compares over the batch, not within groups" };
describe("advantage gae", () => advantageContract(() => make("gae"), { skip: noGroups }));
describe("advantage reinforce_plus_plus", () => advantageContract(() => make("reinforce_plus_plus"), { skip: noGroups }));
describe("advantage reinforce_plus_plus_baseline", () => advantageContract(() => make("reinforce_plus_plus_baseline")));
describe("advantage remax", () => {
  const reason = "compares with the greedy completion, not with the group";
  advantageContract(() => make("remax"), { skip: { "equal scores give exactly 0, also where their mean is not exact in float32": reason, "a group of one gets 0": reason } });
});
describe("advantage optimal_token_baseline", () => advantageContract(() => make("optimal_token_baseline")));
describe("advantage optimal_token_baseline, compact", () => advantageContract(() => make("optimal_token_baseline", { compact: true })));

test("they say what they need of a run", () => {
  const needs = (name: string): object => registry.get("advantage", name).needs;
  expect(needs("gae")).toEqual({ critic: true });
  expect(needs("reinforce_plus_plus")).toEqual({});
  expect(needs("reinforce_plus_plus_baseline")).toEqual({ leastGroupSize: 2 });
  expect(needs("remax")).toEqual({ greedyBaseline: true });
  expect(needs("optimal_token_baseline")).toEqual({ leastGroupSize: 2, tokenDistribution: true });
});

test.each([["gae", "values"], ["remax", "greedyScores"], ["optimal_token_baseline", "sumPiSquared"]] as const)("%s without %s says what is missing", (name, key) => {
  const { [key]: _, ...without } = input([1, 0], [0, 0]);
  expect(() => make(name).compute(without as AdvantageInput)).toThrow(new RegExp(`^\\[advantage ${name}\\] the batch has no \`${key}\`: got only scores, `));
});

test.each([["gae", { gamma: 1.5 }, "gamma"], ["gae", { lam: -1 }, "lam"], ["reinforce_plus_plus", { gamma: "1" }, "gamma"], ["optimal_token_baseline", { handle_zero_tail: true }, "handle_zero_tail"]] as const)("%s refuses the option %j", (name, options, key) => {
  expect(() => make(name, options)).toThrow(key);
});

describe("gae by hand", () => {
  const values = [[0.5, 0.6, 0.7]];
  // λ = ½: A₂ = 1 − 0.7, A₁ = 0.7 − 0.6 + ½·0.3, A₀ = 0.6 − 0.5 + ½·0.25
  const raw = [0.225, 0.25, 0.3];
  const mean = (0.225 + 0.25 + 0.3) / 3;
  const deviation = Math.sqrt(raw.reduce((sum, a) => sum + (a - mean) ** 2, 0) / 2 + 1e-8);

  test("three tokens, λ = ½", () => {
    const { advantages, returns } = run("gae", { lam: 0.5 }, { rewards: [[0, 0, 1]], mask: [[1, 1, 1]], values });
    close(returns, [[0.725, 0.85, 1]]);
    close(advantages, [raw.map((a) => (a - mean) / deviation)]);
  });

  test("γ = ½ discounts the value and the advantage after", () => {
    const { returns } = run("gae", { gamma: 0.5 }, { rewards: [[0, 0, 1]], mask: [[1, 1, 1]], values });
    close(returns, [[0.25, 0.5, 1]]); // with λ = 1 the critic cancels out: discounted rewards to go
  });

  test("with λ = 0 a token's return is its reward and the value after it", () => {
    const { returns } = run("gae", { lam: 0 }, { rewards: [[0, 0, 1]], mask: [[1, 1, 1]], values });
    close(returns, [[0.6, 0.7, 1]]);
  });

  test("what stands in a hole does not count", () => {
    const { advantages, returns } = run("gae", { lam: 0.5 }, { rewards: [[0, 9, 0, 1]], mask: [[1, 0, 1, 1]], values: [[0.5, 9, 0.6, 0.7]] });
    close(returns, [[0.725, 0, 0.85, 1]]);
    close(advantages, [[(raw[0]! - mean) / deviation, 0, (raw[1]! - mean) / deviation, (raw[2]! - mean) / deviation]]);
  });

  test("an unscored row stays out of the whitening", () => {
    const one = { rewards: [[0, 0, 1]], mask: [[1, 1, 1]], values };
    const { advantages, returns } = run("gae", { lam: 0.5 }, { rewards: [...one.rewards, [0, 0, 0]], mask: [...one.mask, [1, 1, 1]], values: [...values, [3, 4, 5]], scores: Float32Array.of(1, NaN), groups: Int32Array.of(0, 1) });
    close(advantages, [...run("gae", { lam: 0.5 }, one).advantages, [0, 0, 0]]);
    expect(returns[1]).toEqual([0, 0, 0]);
  });
});

test("reinforce_plus_plus by hand: γ = ½ over two rows of two tokens", () => {
  const { advantages, returns } = run("reinforce_plus_plus", { gamma: 0.5 }, { rewards: [[0, 1], [0, -2]], mask: [[1, 1], [1, 1]] });
  close(returns, [[0.5, 1], [-1, -2]]);
  const deviation = Math.sqrt((0.875 ** 2 + 1.375 ** 2 + 0.625 ** 2 + 1.625 ** 2) / 3 + 1e-8); // mean −0.375
  close(advantages, [[0.875 / deviation, 1.375 / deviation], [-0.625 / deviation, -1.625 / deviation]]);
});

test("reinforce_plus_plus_baseline by hand: the mean over tokens is not 0 where a longer row is worse", () => {
  // ±½ on one and three tokens: mean −0.25, deviations 0.75 and three times −0.25, variance (0.5625 + 3·0.0625)/3
  const { advantages } = run("reinforce_plus_plus_baseline", {}, { rewards: [[1, 0, 0], [0, 0, 0]], mask: [[1, 0, 0], [1, 1, 1]] });
  const deviation = Math.sqrt(0.25 + 1e-8);
  close(advantages, [[0.75 / deviation, 0, 0], [-0.25 / deviation, -0.25 / deviation, -0.25 / deviation]]);
});

describe("remax by hand", () => {
  const batch = { rewards: [[0, 1], [0.5, 0], [0, 1]], mask: [[1, 1], [1, 0], [1, 1]], groups: Int32Array.of(0, 1, 2) };

  test("rewards to go less the greedy score", () => {
    const { advantages, returns } = run("remax", {}, { ...batch, greedyScores: Float32Array.of(0.25, 0.25, 1) });
    close(returns, [[1, 1], [0.5, 0], [1, 1]]);
    close(advantages, [[0.75, 0.75], [0.25, 0], [0, 0]]);
  });

  test("a row whose greedy completion has no score gets 0 and is counted", () => {
    const { advantages } = run("remax", {}, { ...batch, greedyScores: Float32Array.of(0.25, NaN, 0) });
    close(advantages, [[0.75, 0.75], [0, 0], [1, 1]]);
    const metrics = tf.tidy(() => make("remax").compute({ ...input([1, 0], [0, 1]), greedyScores: Float32Array.of(NaN, 0) }).metrics);
    expect(metrics).toEqual({ "advantage/rows_without_baseline": 1 });
  });
});

describe("optimal_token_baseline by hand", () => {
  // p = ½ and Σp² = ½ give every token the weight 1 − 1 + ½ = ½, and W = ½, 1, 1½
  const half = (rows: number, width: number): number[][] => Array.from({ length: rows }, () => new Array<number>(width).fill(0.5));
  const distribution = (rows: number, width: number): { oldLogProbs: number[][]; sumPiSquared: number[][] } => ({ oldLogProbs: half(rows, width).map((row) => row.map(Math.log)), sumPiSquared: half(rows, width) });

  test("equal weights: the baseline is the mean", () => {
    const { advantages, returns } = run("optimal_token_baseline", {}, { rewards: [[0, 1], [0, 0]], mask: [[1, 1], [1, 1]], ...distribution(2, 2) });
    close(returns, [[1, 1], [0, 0]]);
    close(advantages, [[0.5, 0.5], [-0.5, -0.5]]);
  });

  test("the importance weight counts by its square", () => {
    const importanceWeights = [[2, 2], [1, 1]]; // W = 2, 4 and ½, 1: B = 2 / 2.5 and 4 / 5
    const { advantages } = run("optimal_token_baseline", {}, { rewards: [[0, 1], [0, 0]], mask: [[1, 1], [1, 1]], ...distribution(2, 2), importanceWeights });
    close(advantages, [[0.2, 0.2], [-0.8, -0.8]]);
  });

  const longer = { rewards: [[0, 0, 1], [0, 0, 0]], mask: [[1, 1, 1], [1, 1, 0]], ...distribution(2, 3) };

  test("where the longest row stands alone it has no baseline", () => {
    close(run("optimal_token_baseline", {}, longer).advantages, [[0.5, 0.5, 1], [-0.5, -0.5, 0]]);
  });

  test("without handleZeroTail the baseline there is its own return", () => {
    close(run("optimal_token_baseline", { handleZeroTail: false }, longer).advantages, [[0.5, 0.5, 0], [-0.5, -0.5, 0]]);
  });

  test("compact counts places over a row's own tokens", () => {
    const holed = { rewards: [[0, 0, 1], [0, 0, 0]], mask: [[1, 0, 1], [1, 1, 0]], ...distribution(2, 3) };
    close(run("optimal_token_baseline", { compact: true }, holed).advantages, [[0.5, 0, 0.5], [-0.5, -0.5, 0]]);
    // by position, row 1 stands alone at place 1 and row 0 at place 2
    close(run("optimal_token_baseline", {}, holed).advantages, [[0.5, 0, 0], [-0.5, 0, 0]]);
  });

  test("a group of equal scores gets 0, the longest row's tail too", () => {
    close(run("optimal_token_baseline", {}, { ...longer, rewards: [[0, 0, 1], [0, 1, 0]] }).advantages, [[0, 0, 0], [0, 0, 0]]);
  });
});
