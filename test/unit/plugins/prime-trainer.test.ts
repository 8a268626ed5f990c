import { tf } from "@verlet/backend";
import { resolveConfig } from "@verlet/config";
import { registerReward, Rng, type Metrics, type PolicyBatch, type ScoredRollout } from "@verlet/core";
import { buildRun, openSession, type LiveRun } from "@verlet/manager";
import { CausalLM } from "@verlet/model";
import { rewardModelGradients } from "@verlet/plugins/algorithm-prime";
import { batchLogProbs, packRollouts } from "@verlet/rl";
import { fakeModels, tinyRlConfig, trainerContract } from "@verlet/testing";
import { describe, expect, onTestFinished, test } from "vitest";
import { describeOnOneBackend } from "../../helpers/backends.js";
import { fixture, maxDifference, relativeL2 } from "../../helpers/fixtures.js";

// Random bytes seldom end by themselves, and every group would be passed over as cut off.
const algorithm = (options: object = {}): object => ({ name: "prime", filter: { dropTruncated: false }, ...options, rewardModel: { learningRate: 0.02, ...(options as { rewardModel?: object }).rewardModel } });

trainerContract("prime", { config: tinyRlConfig({ algorithm: algorithm(), loss: { iterations: 2, entropyCoef: 0 } }) });
trainerContract("prime that learns after it judged, with KL in the loss and two parts a batch", {
  config: tinyRlConfig({ algorithm: algorithm({ rewardModel: { update: "after" } }), loss: { miniBatches: 2, klCoef: 0.1 } }),
});

async function open(sections: Record<string, unknown>): Promise<LiveRun> {
  const loaded = await resolveConfig(tinyRlConfig(sections));
  const session = await openSession(loaded, fakeModels);
  onTestFinished(() => session.dispose());
  const run = await buildRun(session, loaded, () => undefined);
  onTestFinished(() => run.dispose());
  return run;
}

async function steps(run: LiveRun, count: number): Promise<Metrics[]> {
  const all: Metrics[] = [];
  for (run.step = 1; run.step <= count; run.step++) all.push((await run.trainer.step()).metrics);
  return all;
}

describe("prime", () => {
  test("a reward model that judges before it has learned gives no process rewards yet", async () => {
    const [after] = await steps(await open({ algorithm: algorithm({ rewardModel: { update: "after" } }) }), 1);
    expect(after).toMatchObject({ "reward_model/raw_reward": 0, "reward_model/reward": 0 });
    const [before] = await steps(await open({ algorithm: algorithm() }), 1);
    expect(before!["reward_model/raw_reward"]).not.toBe(0);
    // Both start at σ(0) = 1/2, where the cross-entropy of any outcome is log 2.
    for (const metrics of [after, before]) expect(metrics!["reward_model/dpo_loss"]).toBeCloseTo(Math.log(2), 5);
    expect(before!["reward_model/dpo_acc"]).toBeGreaterThan(0.5);
  });

  test("learns what is rewarded, and its reward model what leads there", async () => {
    const run = await open({
      algorithm: algorithm({ rewardModel: { learningRate: 0.05, beta: 0.5 } }),
      rollout: { maxNewTokens: 4 },
      trainer: { batchSize: 8, microBatchSize: 0, maxSteps: 30 },
      optimizer: { learningRate: 0.1 },
    });
    const all = await steps(run, 30);
    expect(all[0]!["reward"]).toBeLessThan(0.6);
    expect(all.at(-1)!["reward"]).toBeGreaterThan(0.85);
    const accuracies = all.slice(-10).flatMap((metrics) => metrics["reward_model/dpo_acc"] ?? []);
    expect(accuracies.reduce((a, b) => a + b, 0) / accuracies.length).toBeGreaterThan(0.8);
  });

  test("a score outside [0, 1] stops the run", async () => {
    registerReward("prime-test/signed")(({ completionIds }) => (completionIds[0]! % 2 === 0 ? 1 : -1));
    const run = await open({ algorithm: algorithm(), rewards: ["prime-test/signed"] });
    await expect(run.trainer.step()).rejects.toThrow(/\[algorithm prime\] a score is no outcome: got -1 \(prime-test\/signed -1\) for .*expected a number from 0 \(wrong\) to 1 \(right\)/);
  });

  test("refuses KL in the reward, which it has no place for, and a single sample a prompt", async () => {
    await expect(open({ algorithm: algorithm(), loss: { klCoef: 0.1, klPlace: "reward" } })).rejects.toThrow("[loss.klPlace] prime's rewards are compared within their group, with no place for a KL term: got reward, expected loss.");
    await expect(open({ algorithm: algorithm(), rollout: { numGenerations: 1 } })).rejects.toThrow(/rollout\.numGenerations: got 1, expected at least 2, which algorithm prime needs/);
  });
});

function outcomeBatch(): { batch: PolicyBatch; outcomes: Float32Array } {
  const rng = new Rng(5);
  const rollouts = [3, 5, 2, 4].map((length, i): ScoredRollout => ({
    prompt: { ids: Array.from({ length: 2 + (i % 2) }, () => 3 + rng.below(300)), text: "", row: {} },
    group: 0,
    completionIds: Array.from({ length }, () => 3 + rng.below(300)),
    completion: "",
    logProbs: new Float32Array(length),
    finished: true,
    score: 0,
    rewards: {},
  }));
  const packed = packRollouts(rollouts, 0, false);
  return { batch: { ...packed, advantages: new Float32Array(packed.mask.length) }, outcomes: Float32Array.of(1, 0, NaN, 0.5) };
}

describeOnOneBackend("the reward model's gradient", () => {
  test("is that of the mean cross-entropy of its scored rows, however the batch is cut", async () => {
    const reference = await CausalLM.load(fixture("models/qwen3"));
    const model = await CausalLM.load(fixture("models/qwen3-untied-bf16")); // another model, so that q is far from 0
    const { batch, outcomes } = outcomeBatch();
    const beta = 0.05;
    const at = { temperature: 1, microBatchSize: 0 };
    batch.refLogProbs = batchLogProbs(reference, batch, at);
    const whole = rewardModelGradients(model, batch, outcomes, { beta, microBatchSize: 0 });

    const q = batchLogProbs(model, batch, at).map((value, i) => (batch.mask[i] ? value - batch.refLogProbs![i]! : 0));
    expect(maxDifference(whole.q, q)).toBeLessThan(1e-5);
    const lossAt = (values: Float32Array): number => {
      const logit = (row: number): number => beta * values.subarray(row * batch.completionWidth, (row + 1) * batch.completionWidth).reduce((a, b) => a + b, 0);
      const entropy = (x: number, y: number): number => -y * Math.log(1 / (1 + Math.exp(-x))) - (1 - y) * Math.log(1 / (1 + Math.exp(x)));
      return [0, 1, 3].reduce((sum, row) => sum + entropy(logit(row), outcomes[row]!) / 3, 0);
    };
    expect(whole.loss).toBeCloseTo(lossAt(q), 5);

    const flat = (gradients: tf.Tensor[]): number[] => gradients.flatMap((gradient) => [...gradient.dataSync()]);
    for (const size of [1, 3]) {
      const cut = rewardModelGradients(model, batch, outcomes, { beta, microBatchSize: size });
      expect(relativeL2(flat(cut.gradients), flat(whole.gradients))).toBeLessThan(1e-4); // other summation order
      expect(cut.loss).toBeCloseTo(whole.loss, 5);
      tf.dispose(cut.gradients);
    }

    // A small step against the gradient lowers the loss by its squared length, to first order.
    const size = 1e-3;
    const squared = flat(whole.gradients).reduce((sum, g) => sum + g * g, 0);
    model.trainable.forEach(({ variable }, i) => tf.tidy(() => variable.assign(tf.sub(variable, tf.mul(whole.gradients[i]!, size / Math.sqrt(squared))))));
    const moved = rewardModelGradients(model, batch, outcomes, { beta, microBatchSize: 0 });
    expect((whole.loss - moved.loss) / (size * Math.sqrt(squared))).toBeCloseTo(1, 1);
    tf.dispose([...whole.gradients, ...moved.gradients]);
    reference.dispose();
    model.dispose();
  });
});
