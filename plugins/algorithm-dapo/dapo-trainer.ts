/**
 * DAPO (Yu et al. 2025): group advantages with four changes to GRPO: the upper clip bound is wider than the lower
 * (`loss.clipHigh` 0.28), the loss is a mean over tokens, groups without differing scores are sampled again
 * (`dynamic-sampling.ts`), and overlong completions are penalised softly (the reward `overlong`) or left out of the loss
 * (`loss.maskTruncated`, on by default here). No KL.
 */
import { inject, OPTIONS, registerTrainer, z, type Json, type PrepareContext, type Row, type Run, type StepMetrics, type Trainer } from "@verlet/core";
import { PromptPool } from "@verlet/data";
import { batchProvisions, BatchReplay, prepareBatch, updatePolicy } from "@verlet/rl";
import { sampleGroups } from "@verlet/rollout";
import { sampleInformative } from "./dynamic-sampling.js";

const options = z.strictObject({
  maxRefills: z.int().min(0).default(10).describe("times more prompts are drawn when too many groups have equal scores; 0 only drops them"),
});

@registerTrainer("dapo", {
  options,
  doc: "GRPO with clip-higher, token-mean loss, dynamic sampling and overlong masking",
  uses: ["rollout", "rewards", "advantage", "loss"],
  provides: batchProvisions,
  defaults: {
    optimizer: { learningRate: 1e-6 },
    advantage: { name: "grpo" },
    loss: { name: "clip", clipLow: 0.2, clipHigh: 0.28, aggregation: "token-mean", maskTruncated: true },
  },
})
export class DapoTrainer implements Trainer {
  readonly #maxRefills: number;
  readonly #prompts = new PromptPool();
  #run!: Run;
  #replay!: BatchReplay;

  constructor(@inject(OPTIONS) { maxRefills }: z.infer<typeof options>) {
    this.#maxRefills = maxRefills;
  }

  prepare(rows: readonly Row[], context: PrepareContext): readonly Row[] {
    return this.#prompts.prepare(rows, context);
  }

  lengthOf(row: Row): number {
    return this.#prompts.lengthOf(row);
  }

  async setup(run: Run): Promise<void> {
    this.#run = run;
    this.#replay = new BatchReplay(run.config.loss);
  }

  async step(): Promise<StepMetrics> {
    const run = this.#run;
    const { batchSize } = run.config.trainer;
    const batch = await this.#replay.next(async () => {
      const draw = async (firstGroup: number) => {
        const prompts = this.#prompts.take(run.train, batchSize); // P
        const rollouts = await sampleGroups(run.policy, run.tokenizer, prompts, run.config.rollout, run.rng("rollout"), firstGroup); // P·G
        return run.rewards!.score(rollouts, { step: run.step, signal: run.signal });
      };
      const scored = await sampleInformative(draw, { prompts: batchSize, maxRefills: this.#maxRefills });
      return prepareBatch(run, scored); // advantages [B, C]
    });

    const { logProbs, metrics } = updatePolicy(run, batch);
    return this.#replay.updated(logProbs, metrics);
  }

  state(): Json {
    return this.#replay.state();
  }

  restore(state: Json): void {
    this.#replay.restore(state);
  }
}
