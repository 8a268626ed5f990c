import { expect, test } from "vitest";
import { tf } from "@verlet/backend";
import { aggregate, aggregationModes, klEstimators, klPenalty, policyRatio, stopGradient, type BatchTotals } from "@verlet/rl";
import type { AggregationMode, KlEstimator } from "@verlet/core";
import { describeEverywhere } from "../../helpers/backends.js";
import { maxDifference, readJson } from "../../helpers/fixtures.js";
import { expectNoLeak, randomTensor, valueAndGradient } from "../../helpers/tensors.js";

interface AggregateTables {
  inputs: { loss_mat: number[][]; loss_mask: number[][] };
  cases: { loss_agg_mode: AggregationMode; kwargs: { dp_size?: number; batch_num_tokens?: number; global_batch_size?: number; loss_scale_factor?: number }; loss: number }[];
}

interface KlTables {
  inputs: { log_prob: number[][]; ref_log_prob: number[][]; response_mask: number[][] };
  cases: { kl_penalty: string; value: number[][]; grad_log_prob_of_token_mean: number[][]; token_mean_loss: number }[];
}

/** The counts of a mask [B, C]. */
const totalsOf = (mask: number[][], maxTokens: number): BatchTotals => ({
  tokens: mask.flat().reduce((a, b) => a + b, 0),
  rows: mask.filter((row) => row.includes(1)).length,
  maxTokens,
});

await describeEverywhere("aggregate", () => {
  const { inputs, cases } = readJson<AggregateTables>("losses/verl_agg_loss.json");
  const width = inputs.loss_mat[0]!.length;
  const own = totalsOf(inputs.loss_mask, width);

  // verl multiplies by dp_size because its data-parallel ranks average their gradients afterwards: the loss of the whole
  // batch is the number without it. verl's divisor of seq-mean-token-sum-norm is `loss_scale_factor` or else the padded
  // width of the batch; here it is always given, as the run's completion limit.
  test.each(cases.map((each, i) => [`case ${i + 1} of ${cases.length}: ${each.loss_agg_mode} ${JSON.stringify(each.kwargs)}`, each] as const))(
    "%s",
    (_, { loss_agg_mode, kwargs, loss }) => {
      const totals = {
        tokens: kwargs.batch_num_tokens ?? own.tokens,
        rows: kwargs.global_batch_size ?? own.rows,
        maxTokens: kwargs.loss_scale_factor ?? own.maxTokens,
      };
      const got = aggregate(tf.tensor2d(inputs.loss_mat), tf.tensor2d(inputs.loss_mask), loss_agg_mode, totals).dataSync()[0]!;
      expect(Math.abs(got - loss / (kwargs.dp_size ?? 1))).toBeLessThan(1e-6);
    },
  );

  test("knows the five modes", () => {
    expect(aggregationModes.toSorted()).toEqual(["seq-mean-token-mean", "seq-mean-token-sum", "seq-mean-token-sum-norm", "token-mean", "token-sum"]);
  });

  test.each(aggregationModes)("%s by hand", (mode) => {
    // rows (1, 3) and (5): sums 4 and 5, means 2 and 5; three tokens, two rows, at most 10 tokens a row
    const losses = tf.tensor2d([[1, 3], [5, 100], [100, 100]]);
    const mask = [[1, 1], [1, 0], [0, 0]];
    const expected: Record<AggregationMode, number> = { "token-mean": 9 / 3, "token-sum": 9, "seq-mean-token-sum": 9 / 2, "seq-mean-token-mean": 7 / 2, "seq-mean-token-sum-norm": 9 / 20 };
    expect(aggregate(losses, tf.tensor2d(mask), mode, totalsOf(mask, 10)).dataSync()[0]).toBeCloseTo(expected[mode], 5);
  });

  test.each(aggregationModes)("%s: micro-batches of 1, 2 and 3 rows add up to the whole, in value and gradient", (mode) => {
    const losses = randomTensor<tf.Rank.R2>([5, 4], 1);
    const mask = [[1, 1, 0, 0], [1, 1, 1, 1], [0, 0, 0, 0], [1, 0, 0, 0], [1, 1, 1, 0]];
    const totals = totalsOf(mask, 6);
    const run = (start: number, end: number): { value: number; gradient: number[] } => {
      const slice = tf.slice(losses, [start, 0], [end - start, 4]);
      const of = (x: tf.Tensor): tf.Scalar => aggregate(x as tf.Tensor2D, tf.tensor2d(mask.slice(start, end)), mode, totals);
      return { value: of(slice).dataSync()[0]!, gradient: [...tf.grad(of)(slice).dataSync()] };
    };
    const whole = run(0, 5);
    for (const size of [1, 2, 3]) {
      const parts = [0, 1, 2, 3, 4].filter((start) => start % size === 0).map((start) => run(start, Math.min(5, start + size)));
      expect(Math.abs(parts.reduce((sum, { value }) => sum + value, 0) - whole.value)).toBeLessThan(1e-6);
      expect(maxDifference(parts.flatMap(({ gradient }) => gradient), whole.gradient)).toBeLessThan(1e-6);
    }
    expect(whole.gradient.slice(8, 12)).toEqual([0, 0, 0, 0]); // the row without a token
  });
});

await describeEverywhere("klPenalty", () => {
  const { inputs, cases } = readJson<KlTables>("losses/verl_kl_penalty.json");
  const aliases: Record<string, KlEstimator> = { kl: "k1", mse: "k2", low_var_kl: "k3" };
  const [logProbs, ref, mask] = [inputs.log_prob, inputs.ref_log_prob, inputs.response_mask];
  const totals = totalsOf(mask, 6);

  test("all of verl's estimators are offered", () => {
    expect(cases).toHaveLength(10);
    for (const { kl_penalty } of cases) expect(klEstimators).toContain(aliases[kl_penalty] ?? kl_penalty);
  });

  for (const { kl_penalty, value, grad_log_prob_of_token_mean, token_mean_loss } of cases) {
    const estimator = aliases[kl_penalty] ?? (kl_penalty as KlEstimator);
    test(`verl's ${kl_penalty} is ${estimator}: values, their token mean and its gradient`, () => {
      const values = klPenalty(tf.tensor2d(logProbs), tf.tensor2d(ref), estimator);
      expect(maxDifference(values.dataSync(), value.flat())).toBeLessThan(1e-5);
      const loss = (x: tf.Tensor): tf.Scalar => aggregate(klPenalty(x as tf.Tensor2D, tf.tensor2d(ref), estimator), tf.tensor2d(mask), "token-mean", totals);
      const got = valueAndGradient(loss, tf.tensor2d(logProbs));
      expect(Math.abs(got.value - token_mean_loss)).toBeLessThan(1e-5);
      expect(maxDifference(got.gradient, grad_log_prob_of_token_mean.flat())).toBeLessThan(1e-5);
    });
  }

  test.each(klEstimators.filter((name) => name !== "k1"))("%s is 0 with a gradient of 0 where the two models agree", (estimator) => {
    const same = tf.tensor2d([[-1, -2.5]]);
    expect(maxDifference(klPenalty(same, same, estimator).dataSync(), [0, 0])).toBe(0);
    const gradient = tf.grad((x) => tf.sum(klPenalty(x as tf.Tensor2D, same, estimator)))(tf.clone(same));
    expect(maxDifference(gradient.dataSync(), [0, 0])).toBe(0);
  });

  test("k3 by hand at d = ln 2: e^(−ln 2) + ln 2 − 1", () => {
    const value = klPenalty(tf.tensor2d([[Math.log(2)]]), tf.tensor2d([[0]]), "k3").dataSync()[0];
    expect(value).toBeCloseTo(0.5 + Math.log(2) - 1, 6);
  });

  test("k3 far from agreement: linear where the policy is likelier, at most 10, and finite with gradient 0 beyond", () => {
    // x = −d: 8 → e⁻⁸ + 8 − 1 with gradient 1 − e⁻⁸; the others pass 10 in value
    const logProbs = tf.tensor2d([[8, 30, -200]]);
    const of = (x: tf.Tensor): tf.Tensor2D => klPenalty(x as tf.Tensor2D, tf.zeros([1, 3]), "k3");
    expect(maxDifference(of(logProbs).dataSync(), [7 + Math.exp(-8), 10, 10])).toBeLessThan(1e-5);
    expect(maxDifference(tf.grad((x) => tf.sum(of(x)))(logProbs).dataSync(), [1 - Math.exp(-8), 0, 0])).toBeLessThan(1e-5);
  });

  test("leaves no tensor behind", async () => {
    const [x, y] = [tf.tensor2d(logProbs), tf.tensor2d(ref)];
    await expectNoLeak(() => klEstimators.map((estimator) => tf.tidy(() => tf.grad((z) => tf.sum(klPenalty(z as tf.Tensor2D, y, estimator)))(x).dataSync())));
  });
});

await describeEverywhere("stopGradient and policyRatio", () => {
  test("stopGradient keeps the value and lets nothing through: d (x · sg(x)) / dx = x, not 2x", () => {
    const x = tf.tensor1d([2, -3]);
    expect([...stopGradient(x).dataSync()]).toEqual([2, -3]);
    expect([...tf.grad((y) => tf.sum(tf.mul(y, stopGradient(y))))(x).dataSync()]).toEqual([2, -3]);
  });

  test("the ratio is exp(d), its exponent held within ±20, where its gradient ends", () => {
    const logProbs = tf.tensor2d([[0, Math.log(3), 25, -25]]);
    const old = tf.zerosLike(logProbs);
    expect(maxDifference(policyRatio(logProbs, old).dataSync(), [1, 3, Math.fround(Math.exp(20)), Math.exp(-20)])).toBeLessThan(100); // float32 near e²⁰ = 4.9e8 has steps of 32
    expect(maxDifference(tf.grad((x) => tf.sum(policyRatio(x as tf.Tensor2D, old)))(logProbs).dataSync(), [1, 3, 0, 0])).toBeLessThan(1e-5);
  });

  test("log-probs that agree give exactly 1", () => {
    const x = randomTensor<tf.Rank.R2>([3, 4], 1);
    expect([...policyRatio(x, stopGradient(x)).dataSync()]).toEqual(new Array(12).fill(1));
  });
});
