import { beforeAll, describe, expect, test } from "vitest";
import { selectBackend, tf } from "@verlet/backend";
import { loadBuiltins } from "@verlet/config";
import { createComponent, type Advantage } from "@verlet/core";
import { advantageContract, compute, input } from "../../contracts/advantage.js";
import { trainingBackends } from "../../helpers/backends.js";
import { maxDifference, readJson } from "../../helpers/fixtures.js";

interface Fixture {
  cases: { config: { epsilon?: number }; inputs: { token_level_rewards: number[][]; response_mask: number[][]; index: string[] }; advantages: number[][] }[];
}

beforeAll(async () => {
  await selectBackend(trainingBackends[0]!);
  await loadBuiltins();
});

const make = (name: string, options: Record<string, unknown> = {}): Advantage => createComponent("advantage", name, options);

for (const name of ["grpo", "drgrpo", "rloo"]) describe(`advantage ${name}`, () => advantageContract(() => make(name)));

/** Where our one rule for groups of one differs from the peer: those rows are compared with 0. */
function checkPeer(file: string, name: string, singles: "differ" | "equal"): void {
  const { cases } = readJson<Fixture>(`advantages/${file}.json`);
  test.each(cases.map((c, i) => [i, c] as const))(`${file}: case %i of ${cases.length}`, (_, { config, inputs, advantages }) => {
    const labels = [...new Set(inputs.index)];
    const groups = Int32Array.from(inputs.index, (label) => labels.indexOf(label));
    const scores = Float32Array.from(inputs.token_level_rewards, (row) => row.reduce((a, b) => Math.fround(a + b), 0));
    const options = name === "grpo" ? { epsilon: config.epsilon } : {};
    const got = tf.tidy(() =>
      make(name, options).compute({ scores, groups, mask: tf.tensor2d(inputs.response_mask), tokenRewards: tf.tensor2d(inputs.token_level_rewards) }).advantages.arraySync(),
    );
    const single = inputs.index.map((label) => inputs.index.filter((other) => other === label).length === 1);
    const expected = advantages.map((row, i) => (single[i] && singles === "differ" ? row.map(() => 0) : row));
    got.forEach((row, i) => expect(maxDifference(row, expected[i]!)).toBeLessThan(1e-5 + 1e-5 * Math.max(...expected[i]!.map(Math.abs))));
  });
}

describe("verl's numbers (groups of one: 0 by our rule)", () => {
  checkPeer("grpo", "grpo", "differ");
  checkPeer("grpo_no_std", "drgrpo", "differ");
  checkPeer("rloo", "rloo", "differ");
  checkPeer("rloo_vectorized", "rloo", "equal");
});

test("by hand: scores 1, 0, 0.5 have mean 0.5 and deviation 0.5", () => {
  const scores = [1, 0, 0.5, 0, 0];
  const groups = [0, 0, 0, 1, 1];
  const firsts = (name: string, options = {}): number[] => compute(make(name, options), scores, groups).map((row) => row[0]!);
  expect(firsts("drgrpo")).toEqual([0.5, -0.5, 0, 0, 0]);
  expect(firsts("grpo", { epsilon: 0 })).toEqual([1, -1, 0, 0, 0]); // ±0.5 / 0.5
  expect(firsts("rloo")).toEqual([0.75, -0.75, 0, 0, 0]); // 1 − (0 + 0.5)/2, 0 − (1 + 0.5)/2, 0.5 − (1 + 0)/2
});

test("groups of one and of equal scores are counted", () => {
  const metrics = tf.tidy(() => make("grpo").compute(input([1, 0, 3, 2, 2], [0, 0, 1, 2, 2])).metrics);
  expect(metrics).toEqual({ frac_reward_zero_std: 2 / 3, "advantage/groups_of_one": 1 });
});
