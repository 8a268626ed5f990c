import { expect, test } from "vitest";
import { tf } from "@verlet/backend";
import { Rng, type Advantage, type AdvantageInput, type LossSection, type LogProbOptions, type Needs, type Policy, type Rollout, type RunSections, type SamplingOptions, type ScoredBatch, type TargetSelection, type TokenBatch } from "@verlet/core";
import { KlController, prepareBatch, type BatchContext } from "@verlet/rl";
import { describeOnOneBackend } from "../../helpers/backends.js";
import { expectNoLeak } from "../../helpers/tensors.js";

const perToken = 0.125;

/** Its log-prob of token i is −i · slope, its Σp² i / 64, and it samples the token 9. */
class TablePolicy {
  readonly calls: { generate: { prompts: readonly (readonly number[])[]; options: SamplingOptions }[]; logProbs: LogProbOptions[] } = { generate: [], logProbs: [] };
  constructor(readonly slope: number) {}

  logProbs(tokens: TokenBatch, { positions }: TargetSelection, options: LogProbOptions): ReturnType<Policy["logProbs"]> {
    this.calls.logProbs.push(options);
    const ids = tf.tensor1d(Array.from(positions, (p) => tokens.ids[p]!));
    return { logProbs: tf.mul(ids, -this.slope), ...(options.sumSquares && { sumSquares: tf.div<tf.Tensor1D>(ids, 64) }) };
  }

  async generate(prompts: readonly (readonly number[])[], options: SamplingOptions): Promise<{ ids: number[]; logProbs: Float32Array; finished: boolean }[]> {
    this.calls.generate.push({ prompts, options });
    return prompts.map(() => ({ ids: [9], logProbs: Float32Array.of(0), finished: true }));
  }
}

const prompt = (id: number): Rollout["prompt"] => ({ ids: [id, id], text: String(id), row: {} });

/** Four rows of two prompts; completions 1 2 3, 4, 5 6 and 7 8, sampled at log-prob −i / 8; the third could not be scored. */
const batch = (): ScoredBatch => ({
  rollouts: (
    [
      [0, [1, 2, 3], 1, { a: 2, b: null }],
      [0, [4], 0, { a: 0, b: 0 }],
      [5, [5, 6], null, { a: null, b: null }],
      [5, [7, 8], 3, { a: 3, b: 0 }],
    ] as const
  ).map(([group, completionIds, score, rewards]) => ({ prompt: prompt(group), group, completionIds, completion: "", logProbs: Float32Array.from(completionIds, (id) => -id * perToken), finished: true, score, rewards })),
  metrics: { reward: 4 / 3 },
});

interface Given {
  loss?: Partial<LossSection>;
  needs?: Needs;
  advantage?: Advantage;
  greedyScores?: (number | null)[];
}

/** A run over table policies: the policy's slope is 1/8, as it sampled, the reference's 1/4. */
function context({ loss = {}, needs = {}, advantage, greedyScores = [0.5, 0.25] }: Given = {}): { run: BatchContext; policy: TablePolicy; reference: TablePolicy; seen: AdvantageInput[]; scored: Rollout[][] } {
  const policy = new TablePolicy(perToken);
  const reference = new TablePolicy(2 * perToken);
  const seen: AdvantageInput[] = [];
  const scored: Rollout[][] = [];
  const lossSection = { klCoef: 0, klEstimator: "k1", klPlace: "loss", klController: "fixed", klTarget: 1, klHorizon: 8, iterations: 1, miniBatches: 1, renormalize: false, maskTruncated: false, ...loss } as LossSection;
  const spy: Advantage = {
    compute: (input) => {
      seen.push(Object.fromEntries(Object.entries(input).map(([key, value]) => [key, value instanceof tf.Tensor ? tf.keep(tf.clone(value)) : value])) as unknown as AdvantageInput);
      return (advantage ?? { compute: ({ mask }) => ({ advantages: tf.mul(mask, 2), returns: tf.mul(mask, 3), metrics: { own: 1 } }) }).compute(input);
    },
  };
  const run: BatchContext = {
    config: { loss: lossSection, rollout: { numGenerations: 2, maxNewTokens: 3, temperature: 0.5, topP: 0.9, topK: 7, minP: 0.1, repetitionPenalty: 1, batchSize: 0 }, rewards: [{ name: "a", weight: 1 }, { name: "b", weight: 0.5 }], trainer: { microBatchSize: 3 } } as unknown as RunSections,
    tokenizer: { padTokenId: 0, stopTokenIds: [9], decode: () => "" } as unknown as BatchContext["tokenizer"],
    policy: policy as unknown as Policy,
    reference: reference as unknown as Policy,
    rewards: {
      score: async (rollouts) => {
        scored.push([...rollouts]);
        return { rollouts: rollouts.map((rollout, i) => ({ ...rollout, score: greedyScores[i]!, rewards: {} })), metrics: { reward: 99 } };
      },
    },
    advantage: spy,
    advantageNeeds: needs,
    kl: new KlController(lossSection),
    rng: () => new Rng(1),
    step: 7,
    signal: new AbortController().signal,
  };
  return { run, policy, reference, seen, scored };
}

const rows = (x: tf.Tensor2D | Float32Array, width = 3): number[][] => {
  const flat = x instanceof tf.Tensor ? x.dataSync<"float32">() : x;
  return Array.from({ length: flat.length / width }, (_, row) => [...flat.subarray(row * width, (row + 1) * width)].map((value) => Math.round(value * 1e5) / 1e5 + 0));
};

describeOnOneBackend("prepareBatch", () => {
  test("places scores on the last token and passes nothing that was not asked for", async () => {
    const { run, policy, reference, seen, scored } = context();
    const { policy: packed, rollouts, metrics } = await prepareBatch(run, batch());
    const [input] = seen;
    expect(Object.keys(input!).toSorted()).toEqual(["groups", "mask", "rewardScores", "scores", "tokenRewards"]);
    expect([...input!.scores]).toEqual([1, 0, NaN, 3]);
    expect([...input!.groups]).toEqual([0, 0, 5, 5]);
    expect(rows(input!.tokenRewards)).toEqual([[0, 0, 1], [0, 0, 0], [0, 0, 0], [0, 3, 0]]);
    expect(rows(input!.mask)).toEqual([[1, 1, 1], [1, 0, 0], [1, 1, 0], [1, 1, 0]]); // the unscored row's tokens too
    expect(rows(packed.mask)).toEqual([[1, 1, 1], [1, 0, 0], [0, 0, 0], [1, 1, 0]]); // not in the loss
    expect(rows(packed.advantages)).toEqual([[2, 2, 2], [2, 0, 0], [2, 2, 0], [2, 2, 0]]);
    expect(packed).not.toHaveProperty("oldLogProbs");
    expect(packed).not.toHaveProperty("refLogProbs");
    expect(packed).not.toHaveProperty("returns");
    expect(rollouts.map(({ advantage, score }) => [advantage, score])).toEqual([[2, 1], [2, 0], [2, null], [2, 3]]);
    expect(metrics).toMatchObject({ reward: 4 / 3, own: 1, "completions/mean_length": 2 });
    expect([policy.calls.generate, policy.calls.logProbs, reference.calls.logProbs, scored]).toEqual([[], [], [], []]);
  });

  test("each reward's own scores, in the order of the YAML", async () => {
    const { run, seen } = context();
    await prepareBatch(run, batch());
    expect(seen[0]!.rewardScores!.map(({ name, weight, scores }) => [name, weight, [...scores]])).toEqual([
      ["a", 1, [2, 0, NaN, 3]],
      ["b", 0.5, [NaN, 0, NaN, 0]],
    ]);
  });

  test("a greedy completion of each prompt is sampled and scored once, unfiltered", async () => {
    const { run, policy, seen, scored } = context({ needs: { greedyBaseline: true } });
    const { metrics } = await prepareBatch(run, batch());
    expect(policy.calls.generate).toHaveLength(1);
    const [{ prompts, options }] = policy.calls.generate as [(typeof policy.calls.generate)[0]];
    expect(prompts).toEqual([[0, 0], [5, 5]]);
    expect(options).toMatchObject({ temperature: 0, topP: 1, topK: 0, minP: 0, maxNewTokens: 3, stopTokenIds: [9] });
    expect(scored.map((each) => each.map(({ prompt, completionIds }) => [prompt.text, completionIds]))).toEqual([[["0", [9]], ["5", [9]]]]);
    expect([...seen[0]!.greedyScores!]).toEqual([0.5, 0.5, 0.25, 0.25]);
    expect(metrics).toMatchObject({ reward_greedy: 0.375, reward: 4 / 3 });
  });

  test("a greedy completion without a score is NaN, and nothing is measured where none has one", async () => {
    const first = context({ needs: { greedyBaseline: true }, greedyScores: [null, 0.25] });
    expect((await prepareBatch(first.run, batch())).metrics["reward_greedy"]).toBe(0.25);
    expect([...first.seen[0]!.greedyScores!]).toEqual([NaN, NaN, 0.25, 0.25]);
    const none = context({ needs: { greedyBaseline: true }, greedyScores: [null, null] });
    expect((await prepareBatch(none.run, batch())).metrics).not.toHaveProperty("reward_greedy");
  });

  test("the policy's distribution where each token was drawn, with its weight against the sampler's", async () => {
    const { run, policy, seen } = context({ needs: { tokenDistribution: true } });
    const given = batch();
    given.rollouts[1]!.logProbs = Float32Array.of(-0.5 - Math.LN2); // sampled at half the probability
    const { policy: packed } = await prepareBatch(run, given);
    expect(policy.calls.logProbs.map(({ temperature, sumSquares, filter }) => [temperature, sumSquares, filter])).toEqual([[0.5, true, undefined], [0.5, true, undefined]]); // in micro-batches of 3 rows
    expect(rows(seen[0]!.oldLogProbs!)).toEqual([[-0.125, -0.25, -0.375], [-0.5, 0, 0], [-0.625, -0.75, 0], [-0.875, -1, 0]]);
    expect(rows(seen[0]!.sumPiSquared!)).toEqual([[1, 2, 3], [4, 0, 0], [5, 6, 0], [7, 8, 0]].map((row) => row.map((id) => Math.round((id / 64) * 1e5) / 1e5)));
    expect(rows(seen[0]!.importanceWeights!)).toEqual([[1, 1, 1], [2, 1, 1], [1, 1, 1], [1, 1, 1]]);
    expect(packed).not.toHaveProperty("oldLogProbs"); // the first update computes them anyway
  });

  // k1 with slopes 1/8 and 1/4: token i has KL i / 8
  const kl = [[0.125, 0.25, 0.375], [0.5, 0, 0], [0.625, 0.75, 0], [0.875, 1, 0]];

  test("KL in the reward: off each token and off the score, measured, and not in the loss again", async () => {
    const { run, seen } = context({ loss: { klCoef: 2, klPlace: "reward", klController: "adaptive" } });
    const { policy: packed, metrics } = await prepareBatch(run, batch());
    expect(rows(seen[0]!.tokenRewards)).toEqual([[-0.25, -0.5, 1 - 0.75], [-1, 0, 0], [-1.25, -1.5, 0], [-1.75, 3 - 2, 0]]);
    expect([...seen[0]!.scores]).toEqual([1 - 1.5, -1, NaN, 3 - 3.75]);
    const mean = (0.25 + 0.5 + 0.6875 + 0.9375) / 4; // of the rows' means
    expect(metrics).toMatchObject({ kl: mean, kl_coef: 2 });
    expect(run.kl.coef).toBeCloseTo(2 * (1 - (0.2 * 4) / 8), 12); // KL under the target by more than 0.2, four rows over a horizon of 8
    expect(packed).not.toHaveProperty("refLogProbs");
  });

  test("KL in the loss: the batch carries the reference's log-probs and rewards stay", async () => {
    const { run, seen, policy } = context({ loss: { klCoef: 2 } });
    const { policy: packed, metrics } = await prepareBatch(run, batch());
    expect(rows(packed.refLogProbs!)).toEqual(kl.map((row) => row.map((value) => value === 0 ? 0 : -2 * value)));
    expect([...seen[0]!.scores]).toEqual([1, 0, NaN, 3]);
    expect(metrics).not.toHaveProperty("kl");
    expect(run.kl.coef).toBe(2);
    expect(policy.calls.logProbs).toEqual([]);
  });

  test("a coefficient of 0 asks nothing of the reference", async () => {
    const { run, reference } = context({ loss: { klPlace: "reward" } });
    expect((await prepareBatch(run, batch())).metrics).not.toHaveProperty("kl");
    expect(reference.calls.logProbs).toEqual([]);
  });

  test("several parts: the old log-probs are those before the first update", async () => {
    const { run } = context({ loss: { miniBatches: 2 } });
    const { policy: packed } = await prepareBatch(run, batch());
    expect(rows(packed.oldLogProbs!)).toEqual(kl.map((row) => row.map((value) => value === 0 ? 0 : -value)));
  });

  test("a critic's values reach the estimator, and its returns the batch", async () => {
    const { run, seen } = context();
    const { policy: packed } = await prepareBatch(run, batch(), { values: ({ completionMask }) => completionMask.map((active, i) => active * i) });
    expect(rows(seen[0]!.values!)).toEqual([[0, 1, 2], [3, 0, 0], [6, 7, 0], [9, 10, 0]]);
    expect(rows(packed.values!)).toEqual(rows(seen[0]!.values!));
    expect(rows(packed.returns!)).toEqual([[3, 3, 3], [3, 0, 0], [3, 3, 0], [3, 3, 0]]);
  });

  test("a row's advantage in the rollouts file is the mean over its tokens", async () => {
    const { run } = context({ advantage: { compute: ({ tokenRewards }) => ({ advantages: tf.clone(tokenRewards), returns: tf.clone(tokenRewards) }) } });
    expect((await prepareBatch(run, batch())).rollouts.map(({ advantage }) => Math.fround(advantage))).toEqual([Math.fround(1 / 3), 0, 0, 1.5]);
  });

  test("an estimator that returns another shape is refused in words", async () => {
    const { run } = context({ advantage: { compute: ({ scores, mask }) => ({ advantages: tf.tensor1d(scores) as unknown as tf.Tensor2D, returns: tf.clone(mask) }) } });
    await expect(prepareBatch(run, batch())).rejects.toThrow("[advantage] advantages: got [4], expected [B, C] = [4, 3].");
  });

  test("leaves no tensor behind", async () => {
    const given = { loss: { klCoef: 1, klPlace: "reward", miniBatches: 2 }, needs: { greedyBaseline: true, tokenDistribution: true } } as const;
    const { run } = context(given);
    const plain = { ...run, advantage: { compute: ({ mask }: AdvantageInput) => ({ advantages: tf.clone(mask), returns: tf.clone(mask) }) } };
    await expectNoLeak(() => prepareBatch(plain, batch()));
  });
});
