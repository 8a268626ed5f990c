import { beforeAll, expect, test } from "vitest";
import { tf } from "@verlet/backend";
import { loadBuiltins } from "@verlet/config";
import { createComponent, type AggregationMode } from "@verlet/core";
import { klPenalty, policyRatio } from "@verlet/rl";
import { describeEverywhere } from "../../../helpers/backends.js";
import { maxDifference, readJson } from "../../../helpers/fixtures.js";
import { evaluateLoss, largestOf, sumOf, type Matrix } from "../../../helpers/policy-losses.js";

interface Config {
  loss_type: string;
  beta: number;
  epsilon: number;
  epsilon_high: number;
  delta: number | null;
  importance_sampling_level: string;
  max_completion_length: number;
  gradient_accumulation_steps: number;
  steps_per_generation: number;
  num_items_in_batch: number;
  use_bias_correction_kl: boolean;
  sapo_temperature_pos: number;
  sapo_temperature_neg: number;
  vespo_k_pos: number;
  vespo_lambda_pos: number;
  vespo_k_neg: number;
  vespo_lambda_neg: number;
  top_entropy_quantile?: number;
  off_policy_mask_threshold?: number;
  entropy_coef?: number;
}

interface GrpoFixture {
  inputs: { completion_mask: Matrix; tool_mask: Matrix; policy_logps: Matrix; old_logps: Matrix; reference_logps: Matrix; advantages: number[] };
  cases: { config: Config; old_logps: string; uses_tool_mask: boolean; loss: number; grad_policy_logps: Matrix; metrics: Record<string, number> }[];
}

interface RlooFixture {
  inputs: { completion_mask: Matrix; policy_logps: Matrix; advantages: number[] };
  cases: { config: { epsilon: number; epsilon_high: number }; old_sequence_logps: number[]; loss: number; grad_policy_logps: Matrix }[];
}

const modes: Record<string, AggregationMode> = {
  grpo: "seq-mean-token-mean",
  bnpo: "token-mean",
  dr_grpo: "seq-mean-token-sum-norm",
  dapo: "token-mean",
  cispo: "token-mean",
  sapo: "seq-mean-token-mean",
  luspo: "seq-mean-token-sum",
  vespo: "token-mean",
};

function partOf(c: Config): [name: string, options: Record<string, unknown>] {
  if (c.loss_type === "cispo") return ["cispo", { clipHigh: c.epsilon_high - 1 }];
  if (c.loss_type === "sapo") return ["sapo", { tauPositive: c.sapo_temperature_pos, tauNegative: c.sapo_temperature_neg }];
  if (c.loss_type === "vespo") return ["vespo", { kPositive: c.vespo_k_pos, lambdaPositive: c.vespo_lambda_pos, kNegative: c.vespo_k_neg, lambdaNegative: c.vespo_lambda_neg }];
  const bounds = { clipLow: c.epsilon, clipHigh: c.epsilon_high };
  return c.importance_sampling_level === "sequence" ? ["gspo", bounds] : ["clip", { ...bounds, ...(c.delta !== null && { ratioCap: c.delta }) }];
}

beforeAll(() => loadBuiltins());

const grpo = readJson<GrpoFixture>("losses/trl_grpo.json");
const spread = (advantages: readonly number[], mask: Matrix): Matrix => mask.map((row, i) => row.map((m) => m * advantages[i]!));

// Not offered: keeping only tokens of high entropy, leaving out rows that drifted, and an entropy bonus that is averaged in
// another way than the loss (here, as in verl, both are averaged alike).
const isOffered = ({ config: c }: GrpoFixture["cases"][number]): boolean => c.top_entropy_quantile === undefined && c.off_policy_mask_threshold === undefined && c.entropy_coef === undefined;
const offered = grpo.cases.filter(isOffered);

test("what of TRL's GRPO loss is offered", () => {
  expect([grpo.cases.length, offered.length]).toEqual([32, 29]);
  expect(new Set(offered.map(({ config }) => config.loss_type))).toEqual(new Set(Object.keys(modes)));
});

await describeEverywhere("TRL's GRPO losses: value, gradient and clip ratios", () => {
  test.each(offered.map((c, i) => [`${i + 1} of ${offered.length}: ${c.config.loss_type} by ${c.config.importance_sampling_level}`, c] as const))("case %s", (_, c) => {
    const { config } = c;
    const { completion_mask, tool_mask, policy_logps, old_logps, reference_logps, advantages } = grpo.inputs;
    const mask = c.uses_tool_mask ? completion_mask.map((row, i) => row.map((m, t) => m * tool_mask[i]![t]!)) : completion_mask;
    const accumulation = config.gradient_accumulation_steps;
    const countsWhole = ["dapo", "cispo", "vespo"].includes(config.loss_type);
    const tokens = countsWhole ? (config.num_items_in_batch * accumulation) / config.steps_per_generation : sumOf(mask) * accumulation;
    const totals = { tokens, rows: mask.length * accumulation, maxTokens: config.max_completion_length };
    const rows = { logProbs: policy_logps, advantages: spread(advantages, mask), mask, ...(c.old_logps === "given" && { oldLogProbs: old_logps }) };
    const got = evaluateLoss(createComponent("policyLoss", ...partOf(config)), rows, modes[config.loss_type]!, totals, ({ logProbs, oldLogProbs }) => {
      const kl = klPenalty(logProbs, tf.tensor2d(reference_logps), "k3");
      return tf.mul(config.use_bias_correction_kl ? tf.mul(kl, policyRatio(logProbs, oldLogProbs)) : kl, config.beta);
    });
    expect(Math.abs(got.loss - c.loss)).toBeLessThan(2e-6 + 1e-4 * Math.abs(c.loss));
    expect(maxDifference(got.gradient, c.grad_policy_logps.flat())).toBeLessThan(1e-4 * largestOf(c.grad_policy_logps) + 1e-9);
    if (config.importance_sampling_level === "sequence") return; // TRL counts clipped rows, we their tokens
    for (const name of ["clip_ratio/low_mean", "clip_ratio/high_mean", "clip_ratio/region_mean", "cispo_clip_ratio"].filter((key) => key in c.metrics)) {
      expect(got.metrics[name]! / sumOf(mask), name).toBeCloseTo(c.metrics[name]!, 6);
    }
  });
});

await describeEverywhere("TRL's RLOO loss", () => {
  const { inputs, cases } = readJson<RlooFixture>("losses/trl_rloo.json");
  test.each(cases.map((c, i) => [i + 1, c] as const))(`case %i of ${cases.length}`, (_, c) => {
    const { policy_logps: logProbs, completion_mask: mask, advantages } = inputs;
    const lengths = mask.map((row) => row.reduce((a, b) => a + b, 0));
    const oldLogProbs = mask.map((row, i) => row.map((m) => (m ? c.old_sequence_logps[i]! / lengths[i]! : 0))); // any split of the sum
    const loss = createComponent("policyLoss", "sequence_clip", { clipLow: c.config.epsilon, clipHigh: c.config.epsilon_high });
    const got = evaluateLoss(loss, { logProbs, oldLogProbs, advantages: spread(advantages, mask), mask }, "seq-mean-token-mean", { tokens: sumOf(mask), rows: mask.length, maxTokens: 7 });
    const empty = lengths.reduce((sum, length, i) => (length === 0 ? sum - advantages[i]! : sum), 0) / mask.length; // TRL lets a row without a token add −A
    expect(Math.abs(got.loss + empty - c.loss)).toBeLessThan(2e-6);
    expect(maxDifference(got.gradient, c.grad_policy_logps.flat())).toBeLessThan(1e-4 * largestOf(c.grad_policy_logps) + 1e-9);
  });
});
