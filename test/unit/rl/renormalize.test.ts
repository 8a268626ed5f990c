import { expect, test } from "vitest";
import { tf } from "@verlet/backend";
import { loadBuiltins } from "@verlet/config";
import { createComponent, Rng, type PolicyBatch, type RolloutSection, type SamplingOptions } from "@verlet/core";
import { CausalLM } from "@verlet/model";
import { batchDistribution, batchLogProbs, packRollouts, passOptions, policyGradients } from "@verlet/rl";
import { describeWithAndWithoutGraphs } from "../../helpers/backends.js";
import { fixture, maxDifference } from "../../helpers/fixtures.js";

await loadBuiltins();

const filters: Record<string, Pick<SamplingOptions, "topK" | "topP" | "minP">> = {
  "top-k": { topK: 5, topP: 1, minP: 0 },
  "top-p": { topK: 0, topP: 0.6, minP: 0 },
  "min-p": { topK: 0, topP: 1, minP: 0.4 },
  "all three": { topK: 100, topP: 0.8, minP: 0.2 },
};
const temperature = 0.3; // the fixture's weights are random: at 1 its distribution is nearly flat

/** Completions sampled from the model under a filter, as a batch. */
async function sampled(model: CausalLM, filter: Pick<SamplingOptions, "topK" | "topP" | "minP">): Promise<PolicyBatch> {
  const prompts = [[5, 9, 40], [7, 7], [100, 3, 8, 21]];
  const rows = await model.generate(prompts, { ...filter, temperature, maxNewTokens: 8, repetitionPenalty: 1, stopTokenIds: [] }, new Rng(4));
  const packed = packRollouts(rows.map(({ ids, logProbs }, i) => ({ prompt: { ids: prompts[i]!, text: "", row: {} }, group: 0, completionIds: ids, completion: "", logProbs, finished: true, score: i, rewards: {} })), 0, false);
  return { ...packed, advantages: packed.mask.map((m, i) => m * ((i % 3) - 1)) };
}

describeWithAndWithoutGraphs("log-probs renormalised over what sampling keeps", () => {
  test.each(Object.entries(filters))("%s: they are the sampler's own, and the ratio of the first update is 1", async (_, filter) => {
    const model = await CausalLM.load(fixture("models/qwen3"));
    const batch = await sampled(model, filter);
    const pass = { temperature, microBatchSize: 2 };
    const { logProbs, sumSquares } = batchDistribution(model, batch, { ...pass, filter, sumSquares: true });
    expect(maxDifference(logProbs, batch.sampledLogProbs)).toBeLessThan(1e-5);
    const whole = batchDistribution(model, batch, { ...pass, sumSquares: true });
    expect(maxDifference(whole.logProbs, batch.sampledLogProbs)).toBeGreaterThan(0.1);
    const gains = sumSquares!.map((sum, i) => sum - whole.sumSquares![i]!); // fewer tokens, more in each
    expect([Math.min(...gains) > -1e-5, Math.max(...gains) > 0.01, Math.max(...sumSquares!) < 1.00001]).toEqual([true, true, true]);

    const loss = { aggregation: "token-mean", klCoef: 0, klEstimator: "k3", klBiasCorrection: false, entropyCoef: 0.1 } as const;
    const { gradients, metrics } = policyGradients(model, createComponent("policyLoss", "clip"), batch, { ...pass, filter, loss, maxTokens: 8, rng: new Rng(0) });
    expect(metrics).toMatchObject({ ratio: 1, approx_kl: 0 });
    expect(metrics["sampling/logp_difference_max"]).toBeLessThan(1e-5);
    expect(metrics["entropy"]).toBeLessThan(Math.log(filter.topK || model.config.vocabSize) + 1e-4);
    expect(gradients.every((g) => Number.isFinite(tf.tidy(() => tf.sum(tf.abs(g)).dataSync()[0]!)))).toBe(true);
    tf.dispose(gradients);
    model.dispose();
  });

  test("a filter that keeps everything changes nothing", async () => {
    const model = await CausalLM.load(fixture("models/qwen3"));
    const off = { topK: 0, topP: 1, minP: 0 };
    const batch = await sampled(model, off);
    const pass = { temperature, microBatchSize: 0 };
    expect([...batchLogProbs(model, batch, { ...pass, filter: off })]).toEqual([...batchLogProbs(model, batch, pass)]);
    model.dispose();
  });

  test("a token that the policy would no longer sample keeps a finite log-prob and its gradient", async () => {
    const model = await CausalLM.load(fixture("models/qwen3"));
    const batch = await sampled(model, filters["top-k"]!);
    batch.tokens.ids.fill(300, batch.promptLengths[0], batch.promptLengths[0]! + 8); // not among the two best
    const greedy = { topK: 2, topP: 1, minP: 0 };
    const logProbs = batchLogProbs(model, batch, { temperature, microBatchSize: 0, filter: greedy });
    expect(logProbs.every((logProb) => Number.isFinite(logProb) && logProb <= 0)).toBe(true);
    expect(Math.min(...logProbs.subarray(0, 8))).toBeLessThan(-0.5);
    model.dispose();
  });
});

test("loss.renormalize gives the rollout's filters to every pass", () => {
  const rollout = { temperature: 0.9, topP: 0.8, topK: 5, minP: 0.1 } as RolloutSection;
  const of = (renormalize: boolean): object => passOptions({ rollout, loss: { renormalize }, trainer: { microBatchSize: 3 } } as Parameters<typeof passOptions>[0]);
  expect(of(true)).toEqual({ temperature: 0.9, microBatchSize: 3, filter: { topP: 0.8, topK: 5, minP: 0.1 } });
  expect(of(false)).toEqual({ temperature: 0.9, microBatchSize: 3 });
});
