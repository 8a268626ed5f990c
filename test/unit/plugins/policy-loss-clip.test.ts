import { beforeAll, describe, expect, test } from "vitest";
import { gradientsOf, selectBackend, tf } from "@verlet/backend";
import { loadBuiltins } from "@verlet/config";
import { createComponent, type AggregationMode, type PolicyLoss } from "@verlet/core";
import { aggregate, klPenalty, policyRatio, stopGradient } from "@verlet/rl";
import { trainingBackends } from "../../helpers/backends.js";
import { maxDifference, readJson } from "../../helpers/fixtures.js";

type Matrix = number[][];

beforeAll(async () => {
  await selectBackend(trainingBackends[0]!);
  await loadBuiltins();
});

const make = (options: Record<string, unknown>): PolicyLoss => createComponent("policyLoss", "clip", options);
const largest = (values: Matrix): number => Math.max(...values.flat().map(Math.abs));

/** Loss and its gradient with respect to the log-probs. */
function evaluate(logProbs: Matrix, loss: (live: tf.Tensor2D) => tf.Scalar): { loss: number; gradient: number[] } {
  const variable = tf.variable(tf.tensor2d(logProbs));
  const { value, gradients } = gradientsOf(() => loss(variable as unknown as tf.Tensor2D), [variable]);
  const result = { loss: value.dataSync()[0]!, gradient: [...gradients[0]!.dataSync()] };
  tf.dispose([value, ...gradients, variable]);
  return result;
}

interface VerlFixture {
  inputs: Record<string, Record<string, Matrix>>;
  cases: {
    loss_mode: string; inputs: string; loss_agg_mode: AggregationMode; rollout_is_weights: string | null; loss: number; grad_log_prob: Matrix;
    config: { clip_ratio_low: number; clip_ratio_high: number; clip_ratio_c: number };
    global_batch_info: { dp_size?: number; batch_num_tokens?: number; global_batch_size?: number; loss_scale_factor?: number };
    metrics: Record<string, number>;
  }[];
}

describe("verl's vanilla loss (dual clip on)", () => {
  const fixture = readJson<VerlFixture>("losses/verl_policy.json");
  // Importance weights of a separate rollout engine do not exist here: the policy samples by itself.
  const cases = fixture.cases.filter((c) => c.loss_mode === "vanilla" && c.rollout_is_weights === null);
  test.each(cases.map((c, i) => [i, c] as const))(`case %i of ${cases.length}`, (_, c) => {
    const { old_log_prob: old, log_prob: live, advantages, response_mask: mask } = fixture.inputs[c.inputs]!;
    const info = c.global_batch_info;
    const activeRows = mask!.filter((row) => row.some(Boolean)).length;
    const totals = {
      tokens: info.batch_num_tokens ?? mask!.flat().reduce((a, b) => a + b, 0),
      rows: info.global_batch_size ?? activeRows,
      maxTokens: info.loss_scale_factor ?? mask![0]!.length,
    };
    const loss = make({ clipLow: c.config.clip_ratio_low, clipHigh: c.config.clip_ratio_high, clipDual: c.config.clip_ratio_c });
    const got = evaluate(live!, (logProbs) =>
      tf.mul(
        aggregate(
          loss.tokenLoss({ logProbs, oldLogProbs: tf.tensor2d(old!), advantages: tf.tensor2d(advantages!), mask: tf.tensor2d(mask!) }),
          tf.tensor2d(mask!), c.loss_agg_mode, totals,
        ),
        info.dp_size ?? 1, // verl multiplies by the number of data-parallel workers; here there is one
      ),
    );
    expect(Math.abs(got.loss - c.loss)).toBeLessThan(2e-6 + 1e-4 * Math.abs(c.loss));
    expect(maxDifference(got.gradient, c.grad_log_prob.flat())).toBeLessThan(1e-4 * largest(c.grad_log_prob) + 1e-9);
  });
});

interface TrlFixture {
  inputs: { completion_mask: Matrix; tool_mask: Matrix; policy_logps: Matrix; old_logps: Matrix; reference_logps: Matrix; advantages: number[] };
  cases: {
    config: {
      loss_type: string; beta: number; epsilon: number; epsilon_high: number; delta: number | null; importance_sampling_level: string; max_completion_length: number;
      gradient_accumulation_steps: number; steps_per_generation: number; num_items_in_batch: number; use_bias_correction_kl: boolean;
      top_entropy_quantile?: number; off_policy_mask_threshold?: number; entropy_coef?: number;
    };
    old_logps: string; uses_tool_mask: boolean; loss: number; grad_policy_logps: Matrix;
  }[];
}

describe("TRL's grpo, bnpo, dr_grpo and dapo losses", () => {
  const fixture = readJson<TrlFixture>("losses/trl_grpo.json");
  const modes: Record<string, AggregationMode> = { grpo: "seq-mean-token-mean", bnpo: "token-mean", dr_grpo: "seq-mean-token-sum-norm", dapo: "token-mean" };
  const cases = fixture.cases.filter(
    ({ config: c }) => c.loss_type in modes && c.importance_sampling_level === "token" && !c.top_entropy_quantile && c.off_policy_mask_threshold === undefined && !c.entropy_coef,
  );
  test.each(cases.map((c, i) => [i, c] as const))(`case %i of ${cases.length}`, (_, c) => {
    const { config } = c;
    const { completion_mask, tool_mask, policy_logps, old_logps, reference_logps, advantages } = fixture.inputs;
    const mask = c.uses_tool_mask ? completion_mask.map((row, i) => row.map((m, t) => m * tool_mask[i]![t]!)) : completion_mask;
    const accumulation = config.gradient_accumulation_steps;
    const tokens = config.loss_type === "dapo" ? (config.num_items_in_batch * accumulation) / config.steps_per_generation : mask.flat().reduce((a, b) => a + b, 0) * accumulation;
    const totals = { tokens, rows: mask.length * accumulation, maxTokens: config.max_completion_length };
    const loss = make({ clipLow: config.epsilon, clipHigh: config.epsilon_high, ...(config.delta !== null && { ratioCap: config.delta }) });
    const got = evaluate(policy_logps, (logProbs) => {
      const oldLogProbs = c.old_logps === "given" ? tf.tensor2d(old_logps) : stopGradient(logProbs);
      const m = tf.tensor2d(mask);
      const surrogate = loss.tokenLoss({ logProbs, oldLogProbs, advantages: tf.mul(tf.tensor2d(advantages, [advantages.length, 1]), m), mask: m });
      const kl = klPenalty(logProbs, tf.tensor2d(reference_logps), "k3");
      const term = config.use_bias_correction_kl ? tf.mul(kl, policyRatio(logProbs, oldLogProbs)) : kl;
      return aggregate(tf.add(surrogate, tf.mul(term, config.beta)), m, modes[config.loss_type]!, totals);
    });
    expect(Math.abs(got.loss - c.loss)).toBeLessThan(2e-6 + 1e-4 * Math.abs(c.loss));
    expect(maxDifference(got.gradient, c.grad_policy_logps.flat())).toBeLessThan(1e-4 * largest(c.grad_policy_logps) + 1e-9);
  });
});

test("by hand: ratio 1.5 with A = 1 is clipped at 1.28, ratio 0.5 with A = −1 at 0.8; A = 1 and ratio 0.5 is not", () => {
  const loss = make({ clipLow: 0.2, clipHigh: 0.28 });
  const logProbs = tf.tensor2d([[Math.log(1.5), Math.log(0.5), Math.log(0.5)]]);
  const input = { logProbs, oldLogProbs: tf.zeros<tf.Rank.R2>([1, 3]), advantages: tf.tensor2d([[1, -1, 1]]), mask: tf.ones<tf.Rank.R2>([1, 3]) };
  const [clipped, floored, plain] = loss.tokenLoss(input).dataSync();
  expect([clipped, floored, plain].map((x) => Math.round(x! * 1e5) / 1e5)).toEqual([-1.28, 0.8, -0.5]);
  const metrics = loss.tokenMetrics!(input);
  expect(Object.fromEntries(Object.entries(metrics).map(([name, sum]) => [name, Math.round(sum.dataSync()[0]! * 1e5) / 1e5]))).toEqual({
    ratio: 2.5,
    "clip_ratio/low_mean": 1,
    "clip_ratio/high_mean": 1,
    "clip_ratio/region_mean": 2,
  });
});
