// A YAML beside this file takes it by
//
//   plugins: [./my-part.ts]
//   algorithm: { name: my-part, decay: 0.9 }
//   model: { path: ./model }
//   data: { train: ./train.jsonl }
//   rewards: [accuracy]

import {
  PromptPool, completionMetrics, meanOf, packRollouts, policyGradients, policyStepOptions, registerTrainer, sampleGroups, tf, z,
  type Json, type PolicyLoss, type PrepareContext, type Row, type Run, type StepMetrics, type Trainer,
} from "verlet";

const options = z.strictObject({
  decay: z.number().min(0).lt(1).default(0.9).describe("how much of the baseline stays from step to step"),
});

/** −A·log p of each token, [B, C]. */
const reinforce: PolicyLoss = { tokenLoss: ({ logProbs, advantages }) => tf.neg(tf.mul(advantages, logProbs)) };

/**
 * REINFORCE (Williams 1992): sample, score, and make every token of a completion likelier by score − baseline. The
 * baseline is a moving average of the mean score, which is the one thing this trainer carries from step to step.
 */
@registerTrainer("my-part", {
  options,
  doc: "REINFORCE with a moving average of the score as baseline",
  uses: ["rollout", "rewards"],
  defaults: { rollout: { numGenerations: 1 }, optimizer: { learningRate: 1e-6 } },
})
export class MyPartTrainer implements Trainer {
  readonly #decay: number;
  readonly #prompts = new PromptPool();
  #run!: Run;
  #baseline: number | null = null;

  constructor({ decay }: z.infer<typeof options>) {
    this.#decay = decay;
  }

  prepare(rows: readonly Row[], context: PrepareContext): readonly Row[] {
    return this.#prompts.prepare(rows, context);
  }

  async setup(run: Run): Promise<void> {
    this.#run = run;
  }

  async step(): Promise<StepMetrics> {
    const run = this.#run;
    const prompts = this.#prompts.take(run.train, run.config.trainer.batchSize); // P
    const sampled = await sampleGroups(run.policy, run.tokenizer, prompts, run.config.rollout, run.rng("rollout")); // B = P·G
    const { rollouts, metrics: rewards } = await run.rewards!.score(sampled, { step: run.step, signal: run.signal });

    const baseline = this.#updateBaseline(rollouts.flatMap(({ score }) => score ?? []));
    const rows = rollouts.map(({ score }) => (score === null ? 0 : score - baseline)); // [B]
    const packed = packRollouts(rollouts, run.tokenizer.padTokenId, false);
    const advantages = packed.mask.map((active, i) => active * rows[Math.floor(i / packed.completionWidth)]!); // [B, C]

    const { gradients, metrics } = policyGradients(run.policy, reinforce, { ...packed, advantages }, policyStepOptions(run));
    const update = run.optimizer.step(gradients);
    tf.dispose(gradients);
    return {
      metrics: { ...rewards, ...completionMetrics(rollouts), ...metrics, ...update, baseline },
      rollouts: rollouts.map((rollout, row) => ({ ...rollout, advantage: rows[row]! })),
    };
  }

  /** The baseline of this step; the first is the step's own mean. */
  #updateBaseline(scores: readonly number[]): number {
    const mean = scores.length > 0 ? meanOf(scores) : (this.#baseline ?? 0);
    const baseline = this.#baseline ?? mean;
    this.#baseline = this.#decay * baseline + (1 - this.#decay) * mean;
    return baseline;
  }

  /** What a checkpoint keeps; weights, optimizer, data order and random streams are kept for every trainer. */
  state(): Json {
    return this.#baseline;
  }

  restore(state: Json): void {
    this.#baseline = state as number | null;
  }
}
