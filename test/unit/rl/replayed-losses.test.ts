/** On the native backend a policy step runs as one function from its second time on: every loss, the KL term and the bonus included. */
import { replayCounts, tf, useGraphs, selectBackend } from "@verlet/backend";
import { loadBuiltins } from "@verlet/config";
import { createComponent, registry, Rng } from "@verlet/core";
import { batchLogProbs, policyGradients } from "@verlet/rl";
import { afterEach, beforeAll, expect, it } from "vitest";
import { bigramBatch, bigramPolicy } from "../../helpers/bigram-policy.js";
import { relativeL2 } from "../../helpers/fixtures.js";
import { describeNative } from "../../helpers/native.js";

await loadBuiltins();

describeNative("a policy step as one function", () => {
  beforeAll(async () => void (await selectBackend("native")));
  afterEach(() => useGraphs(true));

  it.each(registry.names("policyLoss"))("%s", (name) => {
    const policy = bigramPolicy();
    const loss = createComponent("policyLoss", name);
    const batch = bigramBatch((given) => batchLogProbs(policy, given, { temperature: 0.8, microBatchSize: 0 }));
    const options = { loss: { aggregation: "token-mean", klCoef: 0.3, klEstimator: "k3", klBiasCorrection: true, entropyCoef: 0.05 }, temperature: 0.8, microBatchSize: 0, maxTokens: 8, rng: new Rng(7) } as const;
    const run = (): number[] => {
      const { gradients } = policyGradients(policy, loss, batch, { ...options, rng: new Rng(7) });
      const numbers = gradients.flatMap((g) => [...g.dataSync()]);
      tf.dispose(gradients);
      return numbers;
    };
    run(); // weights are handed over
    const recorded = run();
    const before = replayCounts();
    expect(run()).toEqual(recorded);
    const after = replayCounts();
    expect(after.recorded).toBe(before.recorded);
    expect(after.replayed).toBeGreaterThan(before.replayed);
    expect(after.singleOps - before.singleOps).toBeLessThanOrEqual(2); // the embedding's gradient is added in place
    useGraphs(false);
    expect(relativeL2(run(), recorded)).toBeLessThan(1e-6);
    policy.dispose();
  });
});
