import { expect, test } from "vitest";
import { tf } from "@verlet/backend";
import { loadBuiltins } from "@verlet/config";
import { createComponent, Rng, type Run } from "@verlet/core";
import { batchLogProbs, policyStepOptions, updatePolicy } from "@verlet/rl";
import { describeOnOneBackend } from "../../helpers/backends.js";
import { bigramBatch, bigramPolicy } from "../../helpers/bigram-policy.js";

await loadBuiltins();

const config = {
  loss: { aggregation: "token-mean", klCoef: 0.5, klEstimator: "k3", klBiasCorrection: false, entropyCoef: 0.01, renormalize: false },
  rollout: { temperature: 0.8, topP: 1, topK: 0, minP: 0, maxNewTokens: 6 },
  trainer: { microBatchSize: 2 },
} as Run["config"];

describeOnOneBackend("updatePolicy", () => {
  test("takes one optimizer step, hands on the log-probs before it, and tells the KL controller what was measured", () => {
    const policy = bigramPolicy();
    const batch = bigramBatch((given) => batchLogProbs(policy, given, { temperature: 0.8, microBatchSize: 0 }));
    const before = batchLogProbs(policy, batch, { temperature: 0.8, microBatchSize: 0 });
    const observed: [number, number][] = [];
    let stepped = 0;
    const run = {
      config,
      policy,
      policyLoss: createComponent("policyLoss", "clip"),
      optimizer: { step: (gradients: readonly tf.Tensor[]) => ((stepped += gradients.length), { grad_norm: 2 }) },
      kl: { coef: 0.25, observe: (kl: number, rows: number) => observed.push([kl, rows]) },
      rng: (stream: string) => new Rng(1).fork(stream),
    } as unknown as Run;

    expect(policyStepOptions(run)).toMatchObject({ loss: { klCoef: 0.25, entropyCoef: 0.01 }, temperature: 0.8, microBatchSize: 2, maxTokens: 6 }); // the controller's coefficient
    const tensors = tf.memory().numTensors;
    const { metrics, logProbs } = updatePolicy(run, batch);
    expect(tf.memory().numTensors).toBe(tensors);
    expect(stepped).toBe(2);
    expect([...logProbs]).toEqual([...before]);
    expect(metrics).toMatchObject({ grad_norm: 2, kl_coef: 0.25 });
    expect(observed).toEqual([[metrics["kl"], 6]]);

    const { refLogProbs, ...plain } = batch;
    expect(updatePolicy(run, plain).metrics).not.toHaveProperty("kl_coef");
    const masked = { ...batch, mask: new Float32Array(batch.mask.length) };
    expect(updatePolicy(run, masked).metrics).toEqual({ grad_norm: 2 }); // nothing was measured
    expect(observed).toHaveLength(1);
    policy.dispose();
  });
});
