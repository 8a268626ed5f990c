import { expect, test } from "vitest";
import { tf } from "@verlet/backend";
import { loadBuiltins } from "@verlet/config";
import { Rng, type AggregationMode, type PolicyBatch, type ScoredRollout } from "@verlet/core";
import { ValueModel } from "@verlet/model";
import { AdamW } from "@verlet/optim";
import { batchValues, clippedValues, valueGradients, valueLoss, valueMetrics, type ValueStepOptions } from "@verlet/plugins/algorithm-ppo";
import { aggregate, aggregationModes, packRollouts } from "@verlet/rl";
import { describeEverywhere, describeOnOneBackend } from "../../helpers/backends.js";
import { fixture, maxDifference, readJson, relativeL2 } from "../../helpers/fixtures.js";
import { valueAndGradient } from "../../helpers/tensors.js";

await loadBuiltins();

interface ValueTables {
  inputs: Record<"vpreds" | "values" | "returns" | "response_mask", number[][]>;
  cases: { cliprange_value: number; loss_agg_mode: AggregationMode; loss: number; clipfrac: number; grad_vpreds: number[][] }[];
}

await describeEverywhere("the value loss", () => {
  const { inputs, cases } = readJson<ValueTables>("losses/verl_value.json");
  const mask = inputs.response_mask;
  // A row without any token is not counted there, as verl counts when it is given no batch size.
  const totals = { tokens: mask.flat().reduce((a, b) => a + b, 0), rows: mask.filter((row) => row.includes(1)).length, maxTokens: mask[0]!.length };

  test.each(cases.map((each, i) => [`case ${i + 1} of ${cases.length}: clip ${each.cliprange_value}, ${each.loss_agg_mode}`, each] as const))(
    "verl's, %s",
    (_, { cliprange_value: clip, loss_agg_mode, loss, clipfrac, grad_vpreds }) => {
      tf.tidy(() => {
        const fixed = { oldValues: tf.tensor2d(inputs.values), returns: tf.tensor2d(inputs.returns) };
        const total = (values: tf.Tensor): tf.Scalar => aggregate(valueLoss({ values: values as tf.Tensor2D, ...fixed }, clip), tf.tensor2d(mask), loss_agg_mode, totals);
        const { value, gradient } = valueAndGradient(total, tf.tensor2d(inputs.vpreds));
        expect(value).toBeCloseTo(loss, 5);
        expect(maxDifference(gradient, grad_vpreds.flat())).toBeLessThan(1e-5);
        const clipped = clippedValues({ values: tf.tensor2d(inputs.vpreds), ...fixed }, clip).dataSync();
        expect(mask.flat().reduce((sum, m, i) => sum + m * clipped[i]!, 0) / totals.tokens).toBeCloseTo(clipfrac, 6);
      });
    },
  );

  test("by hand: within the clip, past it towards the return, past it and away; and without a clip", () => {
    tf.tidy(() => {
      // R = 1, V was 0, c = 0.2. V = 0.1: (0.9²)/2. V = 0.5: clipped to 0.2, (0.8²)/2 > (0.5²)/2. V = −0.5: the plain error is larger.
      const input = { values: tf.tensor2d([[0.1, 0.5, -0.5]]), oldValues: tf.zeros([1, 3]) as tf.Tensor2D, returns: tf.ones([1, 3]) as tf.Tensor2D };
      expect(maxDifference(valueLoss(input, 0.2).dataSync(), [0.405, 0.32, 1.125])).toBeLessThan(1e-6);
      expect([...clippedValues(input, 0.2).dataSync()]).toEqual([0, 1, 0]);
      expect(maxDifference(valueLoss(input, 0).dataSync(), [0.405, 0.125, 1.125])).toBeLessThan(1e-6);
      expect([...clippedValues(input, 0).dataSync()]).toEqual([0, 0, 0]);
    });
  });
});

/** Rollouts of unequal lengths; row 1 was cut off, row 3 could not be scored. */
function batch(values?: Float32Array): PolicyBatch {
  const rng = new Rng(5);
  const rollouts = [3, 5, 2, 4, 6].map((length, i): ScoredRollout => ({
    prompt: { ids: Array.from({ length: 2 + (i % 2) }, () => 3 + rng.below(300)), text: "", row: {} },
    group: i,
    completionIds: Array.from({ length }, () => 3 + rng.below(300)),
    completion: "",
    logProbs: new Float32Array(length),
    finished: i !== 1,
    score: i === 3 ? null : i,
    rewards: {},
  }));
  const packed = packRollouts(rollouts, 0, true);
  return { ...packed, advantages: new Float32Array(packed.mask.length), values: values ?? new Float32Array(packed.mask.length), returns: packed.mask.map((m) => m * rng.normal()) };
}

const options = (microBatchSize: number, aggregation: AggregationMode): ValueStepOptions => ({ aggregation, clipValue: 0.5, microBatchSize, maxTokens: 8 });

/** Its head is not zero, so that its layers have gradients. */
const critic = (): Promise<ValueModel> => ValueModel.load(fixture("models/qwen3-reward"));

describeOnOneBackend("a critic's step", () => {
  test.each(aggregationModes)("%s: the cut into micro-batches changes neither loss nor gradient", async (mode) => {
    const model = await critic();
    const flat = (gradients: tf.Tensor[]): number[] => gradients.flatMap((gradient) => [...gradient.dataSync()]);
    const whole = valueGradients(model, batch(), options(0, mode));
    for (const size of [1, 2, 3]) {
      const cut = valueGradients(model, batch(), options(size, mode));
      expect(relativeL2(flat(cut.gradients), flat(whole.gradients))).toBeLessThan(1e-4); // other summation order
      for (const [name, value] of Object.entries(whole.metrics)) expect(cut.metrics[name], name).toBeCloseTo(value, 4);
      tf.dispose(cut.gradients);
    }
    tf.dispose(whole.gradients);
    model.dispose();
  });

  test("values are of every completion token, those left out of the loss too, and the same however the batch is cut", async () => {
    const model = await critic();
    const packed = { ...batch(), completionMask: batch().mask.slice() };
    packed.completionMask.fill(1, packed.completionWidth, packed.completionWidth + 5); // row 1 again
    const whole = batchValues(model, packed, 0);
    expect([...whole].map((value) => value !== 0)).toEqual([...packed.completionMask].map(Boolean));
    expect(maxDifference(batchValues(model, packed, 2), whole)).toBeLessThan(1e-4);
    // A head of values as they stand has nothing clipped yet.
    const { gradients, metrics } = valueGradients(model, batch(whole), options(0, "token-mean"));
    expect(metrics["vf_clipfrac"]).toBe(0);
    const active = [...batch().mask].flatMap((m, i) => (m ? [whole[i]!] : []));
    expect(metrics["vpred_mean"]).toBeCloseTo(active.reduce((a, b) => a + b, 0) / active.length, 4);
    tf.dispose(gradients);
    model.dispose();
  });
});

describeOnOneBackend("a critic of a policy's layers", () => {
  test("learns the returns of a batch from a head of zeros", async () => {
    const model = await ValueModel.load(fixture("models/qwen3"));
    const optimizer = new AdamW(model.trainable, {
      learningRate: 5e-3, beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0, maxGradNorm: 1, schedule: { name: "constant", warmupSteps: 0, totalSteps: 60 }, isDecayed: () => false,
    });
    const losses: number[] = [];
    for (let step = 0; step < 60; step++) {
      const { gradients, metrics } = valueGradients(model, batch(), { ...options(0, "token-mean"), clipValue: 0 });
      losses.push(metrics["vf_loss"]!);
      optimizer.step(gradients);
      tf.dispose(gradients);
    }
    expect(losses.at(-1)).toBeLessThan(losses[0]! / 20);
    optimizer.dispose();
    model.dispose();
  });
});

test("explained variance is 1 for a critic that is right, 0 for one that is constant", () => {
  const two = (values: number[], returns: number[]): number =>
    valueMetrics({ ...batch(), mask: Float32Array.of(1, 1, 1, 0), values: Float32Array.from(values), returns: Float32Array.from(returns) })["critic/vf_explained_var"]!;
  expect(two([1, 2, 6, 99], [1, 2, 6, 0])).toBe(1);
  expect(two([3, 3, 3, 99], [1, 2, 6, 0])).toBeCloseTo(0, 5);
  // By hand: errors 0, 0, 3 have variance 3; returns 1, 2, 6 have 7.
  expect(two([1, 2, 3, 99], [1, 2, 6, 0])).toBeCloseTo(1 - 3 / 7, 5);
  expect(valueMetrics({ ...batch(), mask: Float32Array.of(1, 1, 1, 0), values: Float32Array.of(1, 2, 6, 9), returns: Float32Array.of(1, 2, 3, 9) })).toMatchObject({
    "critic/values/mean": 3, "critic/values/max": 6, "critic/values/min": 1, "critic/returns/mean": 2, "critic/returns/max": 3, "critic/returns/min": 1,
  });
});
