/**
 * verl's numbers (verl/trainer/ppo/core_algos.py) for every estimator, where the mask is 1. Whitened numbers may differ by
 * 1e-4: verl sums in float32, ours are float64.
 *
 * One rule of ours differs: a group of one, or of equal scores, gets 0. On such rows the fixtures are not compared; ours are
 * checked to be 0. Where a batch is whitened, verl's value of a group of one also moves every other row. Those batches are
 * compared with the formula written out again below, which must first reproduce the fixture under verl's own rule.
 */
import { readdirSync } from "node:fs";
import { describe, expect, test } from "vitest";
import "@verlet/plugins/advantage-group";
import "@verlet/plugins/advantage-token";
import { advantageCases, runCase, uncomparedRows, type AdvantageCase } from "../../helpers/advantage-cases.js";
import { describeEverywhere } from "../../helpers/backends.js";
import { fixture } from "../../helpers/fixtures.js";

type Rows = number[][];
interface Peer {
  file: string;
  /** Our estimator for a case. */
  part: (config: AdvantageCase["config"]) => [name: string, options?: Record<string, unknown>];
  cases: number;
  tolerance?: number;
  /** Without groups there are no rows that could not be compared. */
  grouped?: boolean;
  /** Where verl gives a group of equal scores something else than 0 too. */
  equalDiffer?: boolean;
}

const grpoOrDr: Peer["part"] = ({ norm_adv_by_std_in_grpo, epsilon }) => (norm_adv_by_std_in_grpo ? ["grpo", { epsilon }] : ["drgrpo"]);
const tokenBaseline =
  (compact: boolean): Peer["part"] =>
  ({ handle_zero_tail, epsilon }) => ["optimal_token_baseline", { handleZeroTail: handle_zero_tail, epsilon, compact }];

const peers: Peer[] = [
  { file: "grpo", part: grpoOrDr, cases: 3 },
  { file: "grpo_no_std", part: grpoOrDr, cases: 3 },
  { file: "grpo_vectorized", part: grpoOrDr, cases: 6 },
  { file: "rloo", part: () => ["rloo"], cases: 3 },
  { file: "rloo_vectorized", part: () => ["rloo"], cases: 3 },
  { file: "grpo_passk", part: ({ norm_adv_by_std_in_grpo, epsilon }) => ["grpo_passk", { normalize: norm_adv_by_std_in_grpo, epsilon }], cases: 6 },
  { file: "opo", part: () => ["opo"], cases: 3 },
  { file: "gpg", part: ({ f_norm }) => ["gpg", { fNorm: f_norm }], cases: 3 },
  { file: "optimal_token_baseline", part: tokenBaseline(false), cases: 3, equalDiffer: true },
  { file: "tir_optimal_token_baseline", part: tokenBaseline(true), cases: 3 },
  { file: "remax", part: () => ["remax"], cases: 3, grouped: false },
  { file: "gae", part: ({ gamma, lam }) => ["gae", { gamma, lam }], cases: 3, tolerance: 1e-4, grouped: false },
  { file: "reinforce_plus_plus", part: ({ gamma }) => ["reinforce_plus_plus", { gamma }], cases: 3, tolerance: 1e-4, grouped: false },
];

/** Compares where the mask is 1, absolutely and relatively; elsewhere ours must be 0. */
function expectRows(got: Rows, expected: Rows, mask: Rows, tolerance: number, rows: readonly boolean[] = got.map(() => true)): void {
  expect(got.length).toBe(expected.length);
  got.forEach((row, i) => {
    if (!rows[i]) return;
    row.forEach((value, t) => {
      const right = mask[i]![t] ? expected[i]![t]! : 0;
      expect(Math.abs(value - right), `row ${i}, token ${t}: got ${value}, expected ${right}`).toBeLessThanOrEqual(mask[i]![t] ? tolerance * (1 + Math.abs(right)) : 0);
    });
  });
}

const zeros = (rows: Rows): Rows => rows.map((row) => row.map(() => 0));
const numbered = (file: string): (readonly [number, number, AdvantageCase])[] => advantageCases(file).map((each, i, all) => [i + 1, all.length, each]);

await describeEverywhere("advantages", () => {
  describe.each(peers)("verl's $file ($cases cases)", ({ file, part, cases, tolerance = 1e-5, grouped = true, equalDiffer = false }) => {
    test("has as many cases as counted here", () => expect(advantageCases(file)).toHaveLength(cases));

    test.each(numbered(file))("case %i of %i", (_, __, each) => {
      const { response_mask: mask } = each.inputs;
      const got = runCase(each, ...part(each.config));
      if (!grouped) {
        expectRows(got.advantages, each.advantages, mask, tolerance);
        expectRows(got.returns, each.returns, mask, 1e-5);
        return;
      }
      const { single, equal } = uncomparedRows(each);
      const same = (equalDiffer ? equal : single).map((is) => !is);
      expectRows(got.advantages, each.advantages, mask, tolerance, same);
      expectRows(got.advantages, zeros(mask), mask, 0, equal);
      expectRows(got.returns, each.returns, mask, tolerance, same);
      expect(got.metrics!["advantage/groups_of_one"]).toBe(single.filter(Boolean).length);
    });
  });

  describe("estimators whitened after the comparison", () => {
    const mean = (values: number[]): number => values.reduce((a, b) => a + b, 0) / values.length;
    const spread = (values: number[]): number => Math.sqrt(values.reduce((sum, value) => sum + (value - mean(values)) ** 2, 0) / (values.length - 1));
    const sums = (rows: Rows): number[] => rows.map((row) => row.reduce((a, b) => a + b, 0));

    /** One number a row on each token, less the mean and over the deviation of all tokens. */
    function whitenTokens(rows: number[], mask: Rows): Rows {
      const all = mask.flatMap((row, i) => row.flatMap((active) => (active ? [rows[i]!] : [])));
      return mask.map((row, i) => row.map((active) => (active ? (rows[i]! - mean(all)) / Math.sqrt(spread(all) ** 2 + 1e-8) : 0)));
    }

    /** verl's comparison within a group; a group of one has mean 0 and deviation 1 there, and counts as `single` says here. */
    function compare(scores: number[], index: string[], epsilon: number | undefined, single: (score: number) => number): number[] {
      return scores.map((score, row) => {
        const own = scores.filter((_, other) => index[other] === index[row]);
        if (own.length === 1) return single(score);
        return (score - mean(own)) / (epsilon === undefined ? 1 : spread(own) + epsilon);
      });
    }

    const whitened: { file: string; name: string; options: (config: AdvantageCase["config"]) => Record<string, unknown>; rows: (each: AdvantageCase, zeroSingles: boolean) => number[] }[] = [
      {
        file: "reinforce_plus_plus_baseline",
        name: "reinforce_plus_plus_baseline",
        options: () => ({}),
        rows: ({ inputs }, zeroSingles) => compare(sums(inputs.token_level_rewards!), inputs.index!, undefined, (score) => (zeroSingles ? 0 : score)),
      },
      {
        file: "gdpo",
        name: "gdpo",
        options: ({ norm_adv_by_std_in_grpo, epsilon }) => ({ normalize: norm_adv_by_std_in_grpo, epsilon }),
        rows: ({ config, inputs }, zeroSingles) => {
          const epsilon = config.norm_adv_by_std_in_grpo ? config.epsilon! : undefined;
          const parts = config.reward_keys!.map((key) => compare(inputs.rewards![key]!, inputs.index!, epsilon, (score) => (zeroSingles ? 0 : score / (1 + (epsilon ?? 0)))));
          return inputs.index!.map((_, row) => parts.reduce((sum, part, k) => sum + (config.reward_weights?.[k] ?? 1) * part[row]!, 0));
        },
      },
    ];

    describe.each(whitened)("verl's $file (3 cases)", ({ file, name, options, rows }) => {
      test.each(numbered(file))("case %i of %i", (_, count, each) => {
        expect(count).toBe(3);
        const { response_mask: mask } = each.inputs;
        const got = runCase(each, name, options(each.config)).advantages;
        const { single, equal } = uncomparedRows(each);
        const compared = equal.map((is) => !is);
        expectRows(whitenTokens(rows(each, false), mask), each.advantages, mask, 1e-4); // the formula is verl's
        expectRows(got, whitenTokens(rows(each, true), mask), mask, 1e-4, compared);
        expectRows(got, zeros(mask), mask, 0, equal);
        if (!single.some(Boolean)) expectRows(got, each.advantages, mask, 1e-4, compared);
      });
    });
  });
});

test("every fixture file is compared: 51 cases here, 4 and a trajectory of kl_in_reward in test/unit/rl", () => {
  const files = readdirSync(fixture("advantages")).map((name) => name.replace(".json", ""));
  expect(files.toSorted()).toEqual([...peers.map(({ file }) => file), "gdpo", "reinforce_plus_plus_baseline", "kl_in_reward"].toSorted());
  expect(peers.reduce((sum, { cases }) => sum + cases, 3 + 3)).toBe(51);
});
