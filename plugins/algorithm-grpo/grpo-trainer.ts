/**
 * GRPO (Shao et al. 2024): sample a group of completions per prompt, score them, compare each with its group, and take a
 * clipped policy-gradient step. As the field runs it today: token-mean loss, no KL unless `loss.klCoef` asks for it, and
 * the KL term is the plain estimator (TRL multiplies it by the ratio by default; the paper does not).
 * The policy that samples is the one that trains, so the first update on a batch has ratio 1 exactly.
 */
import { registerTrainer, type Json, type PrepareContext, type Row, type Run, type StepMetrics, type Trainer } from "@verlet/core";
import { PromptPool } from "@verlet/data";
import { batchProvisions, BatchReplay, prepareBatch, updatePolicy } from "@verlet/rl";
import { sampleGroups } from "@verlet/rollout";

@registerTrainer("grpo", {
  doc: "group-relative policy optimisation: groups of samples, advantages within the group, clipped ratio",
  uses: ["rollout", "rewards", "advantage", "loss"],
  provides: batchProvisions,
  defaults: { optimizer: { learningRate: 1e-6 }, advantage: { name: "grpo" }, loss: { name: "clip" } },
})
export class GrpoTrainer implements Trainer {
  readonly #prompts = new PromptPool();
  #run!: Run;
  #replay!: BatchReplay;

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
    const batch = await this.#replay.next(async () => {
      const prompts = this.#prompts.take(run.train, run.config.trainer.batchSize); // P
      const rollouts = await sampleGroups(run.policy, run.tokenizer, prompts, run.config.rollout, run.rng("rollout")); // B = P·G
      const scored = await run.rewards!.score(rollouts, { step: run.step, signal: run.signal });
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
