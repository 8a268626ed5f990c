/**
 * RAFT (Dong et al. 2023), an algorithm in one file: of each group the best response is learnt as SFT would, the others are
 * left out. The advantage is 1 for the best row of a group, and the loss −A·log p.
 */
import { batchProvisions, prepareBatch, PromptPool, registerAdvantage, registerTrainer, sampleGroups, tf, updatePolicy, type PrepareContext, type Row, type Run, type StepMetrics, type Trainer } from "verlet";

registerAdvantage("best_of_group", { doc: "1 for the first best row of each group, 0 for the others and in groups of equal scores" })(({ scores, groups, mask }) => {
  const rows = [...scores].map((score, row) => {
    const group = [...scores.keys()].filter((other) => groups[other] === groups[row] && !Number.isNaN(scores[other]));
    const best = Math.max(...group.map((other) => scores[other]!));
    const isFirst = group.find((other) => scores[other] === best) === row;
    return isFirst && group.some((other) => scores[other]! < score) ? 1 : 0;
  });
  const advantages = tf.tidy(() => tf.mul(tf.expandDims(tf.tensor1d(rows), 1), mask) as tf.Tensor2D); // [B, C]
  return { advantages, returns: advantages.clone() };
});

@registerTrainer("raft", {
  doc: "RAFT: of each group of samples the best one is learnt",
  uses: ["rollout", "rewards", "advantage", "loss"],
  provides: batchProvisions,
  defaults: { optimizer: { learningRate: 1e-6 }, advantage: { name: "best_of_group" }, loss: { name: "gpg" } },
})
export class RaftTrainer implements Trainer {
  readonly #prompts = new PromptPool();
  #run!: Run;

  prepare(rows: readonly Row[], context: PrepareContext): readonly Row[] {
    return this.#prompts.prepare(rows, context);
  }

  async setup(run: Run): Promise<void> {
    this.#run = run;
  }

  async step(): Promise<StepMetrics> {
    const run = this.#run;
    const prompts = this.#prompts.take(run.train, run.config.trainer.batchSize); // P
    const rollouts = await sampleGroups(run.policy, run.tokenizer, prompts, run.config.rollout, run.rng("rollout")); // B = P·G
    const scored = await run.rewards!.score(rollouts, { step: run.step, signal: run.signal });
    const batch = await prepareBatch(run, scored);
    const { metrics } = updatePolicy(run, batch.policy);
    return { metrics: { ...batch.metrics, ...metrics }, rollouts: batch.rollouts };
  }

  state(): null {
    return null;
  }

  restore(): void {}
}
