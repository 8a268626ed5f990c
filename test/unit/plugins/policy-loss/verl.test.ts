import { beforeAll, expect, test } from "vitest";
import { loadBuiltins } from "@verlet/config";
import { createComponent, type AggregationMode } from "@verlet/core";
import { describeEverywhere } from "../../../helpers/backends.js";
import { maxDifference, readJson } from "../../../helpers/fixtures.js";
import { evaluateLoss, largestOf, sumOf, type Matrix } from "../../../helpers/policy-losses.js";

interface Config {
  clip_ratio_low: number;
  clip_ratio_high: number;
  clip_ratio_c: number;
  tau_pos: number;
  tau_neg: number;
  policy_loss: { dro_beta: number; kl_cov_ratio: number; ppo_kl_coef: number; clip_cov_ratio: number; clip_cov_lb: number; clip_cov_ub: number };
  rollout_correction: { loss_type: string };
}

interface Fixture {
  inputs: Record<string, Record<"old_log_prob" | "log_prob" | "advantages" | "response_mask", Matrix>>;
  cases: {
    loss_mode: string;
    inputs: string;
    loss_agg_mode: AggregationMode;
    config: Config;
    global_batch_info: { dp_size?: number; batch_num_tokens?: number; global_batch_size?: number; loss_scale_factor?: number };
    rollout_is_weights: string | null;
    loss: number;
    metrics: Record<string, number>;
    grad_log_prob: Matrix;
  }[];
}

type Part = [name: string, options: Record<string, unknown>];
const bounds = (c: Config) => ({ clipLow: c.clip_ratio_low, clipHigh: c.clip_ratio_high });
const limits = (c: Config) => ({ limitLow: c.clip_ratio_low, limitHigh: c.clip_ratio_high, ratioCap: c.clip_ratio_c });

const parts: Record<string, (config: Config) => Part> = {
  vanilla: (c) => ["clip", { ...bounds(c), clipDual: c.clip_ratio_c }],
  gspo: (c) => ["gspo", bounds(c)],
  sapo: (c) => ["sapo", { tauPositive: c.tau_pos, tauNegative: c.tau_neg }],
  gpg: () => ["gpg", {}],
  cispo: (c) => ["cispo", bounds(c)],
  geo_mean: (c) => ["gmpo", bounds(c)],
  dppo_tv: (c) => ["dppo_tv", limits(c)],
  dppo_kl: (c) => ["dppo_kl", limits(c)],
  dro: ({ policy_loss: p }) => ["dro", { beta: p.dro_beta }],
  kl_cov: ({ policy_loss: p }) => ["kl_cov", { share: p.kl_cov_ratio, penalty: p.ppo_kl_coef }],
  clip_cov: (c) => ["clip_cov", { ...bounds(c), share: c.policy_loss.clip_cov_ratio, covLow: c.policy_loss.clip_cov_lb, covHigh: c.policy_loss.clip_cov_ub }],
  // The old log-probs are the rollout's, as here with one update a batch; its reinforce form weights by rollout correction.
  bypass_mode: (c) => ["clip", { ...bounds(c), clipDual: c.clip_ratio_c }],
};

/** verl averages these this way, whatever is asked for; here it is their default. */
const ownAggregation: Record<string, AggregationMode> = { gspo: "seq-mean-token-mean", sapo: "seq-mean-token-mean", geo_mean: "seq-mean-token-mean" };
/** A plain mean over all rows, those without a token included. */
const overAllRows = ["geo_mean"];
/** Their `actor/pg_clipfrac` is the share of tokens that the clip touches. */
const clipping = ["vanilla", "gspo", "cispo", "dppo_tv", "dppo_kl"];

beforeAll(() => loadBuiltins());

const { inputs, cases } = readJson<Fixture>("losses/verl_policy.json");
// The policy samples by itself here, so there is no other engine whose samples would need weights.
const isOffered = (c: Fixture["cases"][number]): boolean => c.rollout_is_weights === null && c.config.rollout_correction?.loss_type !== "reinforce";
const offered = cases.filter(isOffered);

test("all but importance weights for another rollout engine", () => {
  expect([cases.length, offered.length]).toEqual([74, 56]);
  expect(new Set(offered.map((c) => c.loss_mode))).toEqual(new Set(Object.keys(parts)));
});

await describeEverywhere("verl's policy losses: value, gradient and clip fraction", () => {
  test.each(offered.map((c, i) => [`${i + 1} of ${offered.length}: ${c.loss_mode} ${c.inputs} ${c.loss_agg_mode}`, c] as const))("case %s", (_, c) => {
    const { old_log_prob: oldLogProbs, log_prob: logProbs, advantages, response_mask: mask } = inputs[c.inputs]!;
    const info = c.global_batch_info;
    const rows = overAllRows.includes(c.loss_mode) ? mask.length : mask.filter((row) => row.some(Boolean)).length;
    const totals = { tokens: info.batch_num_tokens ?? sumOf(mask), rows: info.global_batch_size ?? rows, maxTokens: info.loss_scale_factor ?? mask[0]!.length };
    const got = evaluateLoss(createComponent("policyLoss", ...parts[c.loss_mode]!(c.config)), { logProbs, oldLogProbs, advantages, mask }, ownAggregation[c.loss_mode] ?? c.loss_agg_mode, totals);
    const workers = info.dp_size ?? 1; // verl multiplies by the number of data-parallel workers; here there is one
    expect(Math.abs(got.loss * workers - c.loss)).toBeLessThan(2e-6 + 1e-4 * Math.abs(c.loss));
    expect(maxDifference(got.gradient.map((g) => g * workers), c.grad_log_prob.flat())).toBeLessThan(1e-4 * largestOf(c.grad_log_prob) + 1e-9);
    if (clipping.includes(c.loss_mode)) expect(got.metrics["clip_ratio/region_mean"]! / sumOf(mask)).toBeCloseTo(c.metrics["actor/pg_clipfrac"]!, 6);
  });
});
