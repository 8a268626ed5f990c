/** What holds for every policy loss that is registered, under every aggregation. */
import { describe, expect, test } from "vitest";
import { tf } from "@verlet/backend";
import { loadBuiltins } from "@verlet/config";
import { createComponent, registry, Rng, type AggregationMode, type Policy, type PolicyBatch, type PolicyLoss } from "@verlet/core";
import { CausalLM } from "@verlet/model";
import { aggregationModes, batchLogProbs, klEstimators, policyGradients, type PolicyStepOptions } from "@verlet/rl";
import { describeOnBackends, describeOnOneBackend } from "../../helpers/backends.js";
import { bigramBatch, bigramPolicy } from "../../helpers/bigram-policy.js";
import { fixture, relativeL2 } from "../../helpers/fixtures.js";
import { expectNoLeak } from "../../helpers/tensors.js";

await loadBuiltins();
const names = registry.names("policyLoss");

type Terms = Partial<PolicyStepOptions["loss"]>;
const options = (microBatchSize: number, aggregation: AggregationMode, terms: Terms = {}): PolicyStepOptions => ({
  loss: { aggregation, klCoef: 0, klEstimator: "k3", klBiasCorrection: false, entropyCoef: 0, ...terms },
  temperature: 0.8,
  microBatchSize,
  maxTokens: 8,
  rng: new Rng(7),
});

const makeBatch = (policy: Policy): PolicyBatch => bigramBatch((given) => batchLogProbs(policy, given, { temperature: 0.8, microBatchSize: 0 }));

interface Step {
  gradient: number[];
  metrics: Record<string, number>;
  logProbs: Float32Array;
}

function step(policy: Policy, loss: PolicyLoss, batch: PolicyBatch, given: PolicyStepOptions): Step {
  const { gradients, metrics, logProbs } = policyGradients(policy, loss, batch, given);
  const gradient = gradients.flatMap((g) => [...g.dataSync()]);
  tf.dispose(gradients);
  return { gradient, metrics, logProbs };
}

/** Beside the loss: a KL term, with and without the ratio, and an entropy bonus. */
const termsOf = (estimator: number): Terms => ({ klEstimator: klEstimators[estimator % klEstimators.length]!, klCoef: 0.3, klBiasCorrection: estimator % 2 === 1, entropyCoef: 0.05 });

function expectSameForEachCut(loss: string, mode: AggregationMode, terms: Terms): void {
  const policy = bigramPolicy();
  const batch = makeBatch(policy);
  const run = (size: number): Step => step(policy, createComponent("policyLoss", loss), batch, options(size, mode, terms));
  const whole = run(0);
  expect(Math.max(...whole.gradient.map(Math.abs))).toBeGreaterThan(1e-4);
  for (const size of [1, 2, 3]) {
    const cut = run(size);
    const label = `${JSON.stringify(terms)}, ${size} rows at a time`;
    expect(relativeL2(cut.gradient, whole.gradient), label).toBeLessThan(1e-5); // another order of summation
    for (const [key, value] of Object.entries(whole.metrics)) expect(Math.abs(cut.metrics[key]! - value), `${key}, ${label}`).toBeLessThan(1e-5 * Math.max(1, Math.abs(value)));
    expect(relativeL2(cut.logProbs, whole.logProbs)).toBeLessThan(1e-6);
  }
  policy.dispose();
}

describeOnOneBackend("the cut into micro-batches changes neither gradient nor metrics", () => {
  // The KL term and the bonus are added outside the loss: the estimators take turns here, and all meet one loss below.
  describe.each(names.map((name, i) => [name, i] as const))("%s", (name, i) => {
    test.each(aggregationModes.map((mode, j) => [mode, j] as const))("%s", (mode, j) => {
      expectSameForEachCut(name, mode, {});
      expectSameForEachCut(name, mode, termsOf(i * aggregationModes.length + j));
    });
  });

  test.each(klEstimators.map((name, i) => [name, i] as const))("KL by %s, with an entropy bonus", (klEstimator, i) => {
    for (const mode of aggregationModes) for (const klBiasCorrection of [false, true]) expectSameForEachCut("clip", mode, { ...termsOf(i), klEstimator, klBiasCorrection });
  });

  test("marks are made of the whole batch, and the same for each cut", () => {
    const policy = bigramPolicy();
    const batch = makeBatch(policy);
    const active = batch.mask.reduce((a, b) => a + b, 0);
    for (const name of ["clip_cov", "kl_cov"]) {
      const seen: number[][] = [];
      const loss = createComponent("policyLoss", name, { share: 0.2, ...(name === "clip_cov" && { covLow: 0.1, covHigh: 50 }) });
      const spied: PolicyLoss = { tokenLoss: (input) => loss.tokenLoss(input), mark: (whole) => { const marks = loss.mark!(whole); seen.push([...marks]); return marks; } };
      for (const size of [0, 1, 2, 3]) step(policy, spied, batch, options(size, "token-mean"));
      expect(seen).toHaveLength(4);
      expect(seen[0]!.reduce((a, b) => a + b, 0)).toBe(Math.floor(0.2 * active));
      for (const marks of seen) expect(marks).toEqual(seen[0]);
    }
    policy.dispose();
  });
});

/** The loss, and the largest |log p − log p_old| it was given. */
function watched(loss: PolicyLoss): { loss: PolicyLoss; drift: () => number } {
  let largest = NaN;
  return {
    drift: () => largest,
    loss: {
      tokenLoss: (input) => {
        const drift = tf.tidy(() => tf.max(tf.abs(tf.sub(input.logProbs, input.oldLogProbs))).dataSync()[0]!);
        largest = Math.max(Number.isNaN(largest) ? 0 : largest, drift);
        return loss.tokenLoss(input);
      },
      ...(loss.mark && { mark: (whole) => loss.mark!(whole) }),
      ...(loss.tokenMetrics && { tokenMetrics: (input) => loss.tokenMetrics!(input) }),
    },
  };
}

describeOnOneBackend("the first update on a batch has ratio exactly 1", () => {
  const lora = { r: 4, alpha: 8, dropout: 0.5, targetModules: "all-linear", rslora: false, dora: false } as const;

  test.each(names)("%s, with LoRA dropout on", async (name) => {
    const model = await CausalLM.load(fixture("models/qwen3"), { lora, seed: 3 });
    const rng = new Rng(11);
    for (const { variable } of model.trainable) variable.assign(tf.tidy(() => tf.tensor(Float32Array.from({ length: variable.size }, () => 0.1 * rng.normal()), variable.shape)));
    const { oldLogProbs, refLogProbs, ...batch } = bigramBatch((given) => given.mask.slice());
    const { loss, drift } = watched(createComponent("policyLoss", name));
    const dropped = step(model, loss, batch, { ...options(2, "token-mean"), dropout: new Rng(1) });
    expect(drift()).toBe(0);
    expect(dropped.metrics["ratio"] ?? 1).toBe(1);
    for (const key of Object.keys(dropped.metrics).filter((each) => each.startsWith("clip_ratio/"))) expect(dropped.metrics[key], key).toBe(0);
    expect(dropped.gradient.every(Number.isFinite)).toBe(true);
    // The dropout did act: without it the log-probs are others.
    expect(relativeL2(dropped.logProbs, step(model, loss, batch, options(2, "token-mean")).logProbs)).toBeGreaterThan(1e-3);
    model.dispose();
  });
});

describeOnBackends("a step leaves no tensor behind", () => {
  test.each(names)("%s", async (name) => {
    const policy = bigramPolicy();
    const batch = makeBatch(policy);
    await expectNoLeak(() => void step(policy, createComponent("policyLoss", name), batch, options(2, "token-mean", termsOf(1))));
    policy.dispose();
  });
});

describeOnOneBackend("the terms beside the loss", () => {
  test.each([["gpg", {}], ["sapo", {}], ["clip", { entropyCoef: 0.4 }], ["sequence_clip", { klCoef: 0.5, klEstimator: "k3-unbounded" as const }], ["dro", { klCoef: 0.5, klBiasCorrection: true, entropyCoef: -0.2 }]])(
    "%s %j: the gradient is the slope of the loss",
    (name, term: Terms) => {
      const policy = bigramPolicy();
      const batch = makeBatch(policy);
      const loss = createComponent("policyLoss", name, name === "clip" || name === "sequence_clip" ? { clipLow: 1, clipHigh: 100 } : {});
      const given = options(2, "seq-mean-token-mean", term);
      const { gradient } = step(policy, loss, batch, given);
      const rng = new Rng(3);
      const directions = policy.trainable.map(({ variable }) => Float32Array.from({ length: variable.size }, () => rng.normal()));
      const move = (by: number): void =>
        policy.trainable.forEach(({ variable }, i) => variable.assign(tf.tidy(() => tf.add(variable, tf.mul(tf.tensor(directions[i]!, variable.shape), by)))));
      const size = 1e-2;
      move(size);
      const after = step(policy, loss, batch, given).metrics["loss"]!;
      move(-2 * size);
      const before = step(policy, loss, batch, given).metrics["loss"]!;
      const along = directions.flatMap((direction) => [...direction]).reduce((sum, d, i) => sum + d * gradient[i]!, 0);
      expect(Math.abs(along)).toBeGreaterThan(0.05);
      expect(Math.abs((after - before) / (2 * size) - along)).toBeLessThan(5e-3 * Math.max(1, Math.abs(along)));
      policy.dispose();
    },
  );

  test.each(aggregationModes)("the entropy bonus is averaged like the loss (%s) and its gradient is that of −Σ p·log p", (mode) => {
    const policy = bigramPolicy();
    const batch = makeBatch(policy);
    const bonus = 0.3;
    const [without, with_] = [0, bonus].map((entropyCoef) => step(policy, createComponent("policyLoss", "clip"), batch, options(2, mode, { entropyCoef })));
    const [flat, raised] = [0, bonus].map((entropyCoef) => step(policy, { tokenLoss: ({ mask }) => tf.zerosLike(mask) }, batch, options(0, mode, { entropyCoef })));
    expect(flat!.gradient.every((g) => g === 0)).toBe(true);
    expect(raised!.metrics["loss"]).toBeLessThan(0);
    if (mode === "token-mean") expect(raised!.metrics["loss"]).toBeCloseTo(-bonus * raised!.metrics["entropy"]!, 5);
    expect(with_!.metrics["loss"]! - without!.metrics["loss"]!).toBeCloseTo(raised!.metrics["loss"]!, 4);
    expect(relativeL2(with_!.gradient.map((g, i) => g - without!.gradient[i]!), raised!.gradient)).toBeLessThan(1e-4);
    policy.dispose();
  });
});
