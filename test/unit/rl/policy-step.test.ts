import { expect, test } from "vitest";
import { tf } from "@verlet/backend";
import { loadBuiltins } from "@verlet/config";
import { createComponent, Rng, type AggregationMode, type PolicyBatch, type PolicyLoss, type ScoredRollout } from "@verlet/core";
import { CausalLM } from "@verlet/model";
import { aggregationModes, BatchReplay, batchLogProbs, packRollouts, policyGradients, type PolicyStepOptions } from "@verlet/rl";
import { describeOnBackends } from "../../helpers/backends.js";
import { fixture, relativeL2 } from "../../helpers/fixtures.js";

await loadBuiltins();
const clip = (): PolicyLoss => createComponent("policyLoss", "clip", { clipHigh: 0.28 });

/** Rollouts of unequal lengths: row 2 was cut off, row 4 could not be scored. */
function rollouts(): ScoredRollout[] {
  const rng = new Rng(5);
  return [3, 5, 7, 2, 6, 4].map((length, i) => ({
    prompt: { ids: Array.from({ length: 2 + (i % 3) }, () => 3 + rng.below(300)), text: "", row: {} },
    group: Math.floor(i / 2),
    completionIds: Array.from({ length }, () => 3 + rng.below(300)),
    completion: "",
    logProbs: Float32Array.from({ length }, () => -rng.uniform()),
    finished: i !== 2,
    score: i === 4 ? null : i % 2,
    rewards: {},
  }));
}

function batch(maskTruncated = false): PolicyBatch {
  const packed = packRollouts(rollouts(), 0, maskTruncated);
  const rng = new Rng(9);
  return { ...packed, advantages: packed.mask.map((m) => m * rng.normal()) };
}

const options = (microBatchSize: number, aggregation: AggregationMode = "token-mean", klCoef = 0): PolicyStepOptions => ({
  loss: { aggregation, klCoef, klEstimator: "k3", klBiasCorrection: false, entropyCoef: 0 },
  rng: new Rng(0),
  temperature: 0.7,
  microBatchSize,
  maxTokens: 8,
});

const flat = (gradients: tf.Tensor[]): number[] => gradients.flatMap((g) => [...g.dataSync()]);

test("a row that was cut off is masked when asked, an unscored one always; their tokens stay in the batch", () => {
  const rows = (mask: Float32Array, width: number): number[] => Array.from({ length: 6 }, (_, row) => mask.subarray(row * width, (row + 1) * width).reduce((a, b) => a + b, 0));
  const plain = packRollouts(rollouts(), 0, false);
  expect(plain.completionWidth).toBe(7);
  expect(rows(plain.completionMask, 7)).toEqual([3, 5, 7, 2, 6, 4]);
  expect(rows(plain.mask, 7)).toEqual([3, 5, 7, 2, 0, 4]);
  expect(rows(packRollouts(rollouts(), 0, true).mask, 7)).toEqual([3, 5, 0, 2, 0, 4]);
});

describeOnBackends("policy gradients", () => {
  test.each(aggregationModes)("%s: the cut into micro-batches changes neither loss nor gradient", async (mode) => {
    const model = await CausalLM.load(fixture("models/qwen3"));
    const whole = policyGradients(model, clip(), batch(), options(0, mode));
    for (const size of [1, 2, 4]) {
      const cut = policyGradients(model, clip(), batch(), options(size, mode));
      expect(relativeL2(flat(cut.gradients), flat(whole.gradients))).toBeLessThan(1e-4); // other summation order
      expect(cut.metrics["loss"]).toBeCloseTo(whole.metrics["loss"]!, 5);
      expect(cut.metrics["entropy"]).toBeCloseTo(whole.metrics["entropy"]!, 4);
      tf.dispose(cut.gradients);
    }
    tf.dispose(whole.gradients);
    model.dispose();
  });

  test("the first update has ratio exactly 1; a second on the same batch does not", async () => {
    const model = await CausalLM.load(fixture("models/qwen3"));
    const first = policyGradients(model, clip(), batch(), options(2));
    expect(first.metrics["ratio"]).toBe(1);
    expect(first.metrics["approx_kl"]).toBe(0);
    const [weight] = model.trainable;
    weight!.variable.assign(tf.tidy(() => tf.sub(weight!.variable, tf.mul(first.gradients[0]!, 0.5))));
    const second = policyGradients(model, clip(), { ...batch(), oldLogProbs: first.logProbs }, options(2));
    expect(second.metrics["ratio"]).not.toBe(1);
    expect(second.metrics).not.toHaveProperty("sampling/logp_difference_mean");
    tf.dispose([...first.gradients, ...second.gradients]);
    model.dispose();
  });

  test("KL is 0 against the same weights, and its gradient vanishes there", async () => {
    const model = await CausalLM.load(fixture("models/qwen3"));
    const withKl = batch();
    withKl.refLogProbs = batchLogProbs(model, withKl, { temperature: 0.7, microBatchSize: 2 });
    const a = policyGradients(model, clip(), withKl, options(2, "token-mean", 0.5));
    const b = policyGradients(model, clip(), batch(), options(2));
    expect(Math.abs(a.metrics["kl"]!)).toBeLessThan(1e-6);
    expect(relativeL2(flat(a.gradients), flat(b.gradients))).toBeLessThan(1e-4);
    tf.dispose([...a.gradients, ...b.gradients]);
    model.dispose();
  });

  test("tensors are flat over steps", async () => {
    const model = await CausalLM.load(fixture("models/qwen3"));
    const step = (): void => tf.dispose(policyGradients(model, clip(), batch(), options(2)).gradients);
    step();
    const before = tf.memory().numTensors;
    for (let i = 0; i < 3; i++) step();
    expect(tf.memory().numTensors).toBe(before);
    model.dispose();
  });
});

test("a batch under several updates survives a checkpoint bit for bit", async () => {
  const replay = new BatchReplay({ iterations: 3, miniBatches: 1 });
  const given = await replay.next(async () => ({ policy: batch(), rollouts: [], metrics: { reward: 1 } }));
  expect(replay.updated(Float32Array.from({ length: given.mask.length }, (_, i) => i / 7), { loss: 2 }).metrics).toEqual({ reward: 1, loss: 2 });
  const copy = new BatchReplay({ iterations: 3, miniBatches: 1 });
  copy.restore(JSON.parse(JSON.stringify(replay.state())));
  const fail = async (): Promise<never> => expect.fail("sampled again");
  expect(await replay.next(fail)).toMatchObject(await copy.next(fail));
  expect(copy.updated(new Float32Array(), { loss: 3 })).toEqual({ metrics: { loss: 3 } });
  await copy.next(fail);
  copy.updated(new Float32Array(), {});
  expect(copy.state()).toEqual({ updates: 0, batch: null });
});
