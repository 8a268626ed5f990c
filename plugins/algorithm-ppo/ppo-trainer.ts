/**
 * PPO (Schulman et al. 2017) on language models, as InstructGPT and verl run it: a critic with the policy's layers and a
 * value head says what each state is worth, generalised advantage estimation (`advantage: gae`) turns rewards and values
 * into advantages, and policy and critic take one clipped step each. Any reward function will do, and one sample a prompt.
 * With `loss.klCoef` the KL divergence from the starting model is taken off each token's reward; it is 0 by default, as in
 * verl (TRL: 0.05). Within a step the critic goes first, as in verl; over several updates on a batch verl trains the critic
 * through all of them before the policy, here they take turns.
 * Under LoRA the critic is an adapter of its own and a head over the policy's frozen weights, which costs next to nothing;
 * without, it is a second model with its gradients and moments.
 */
import { inject, OPTIONS, registerTrainer, z, type Companion, type Critic, type Json, type PrepareContext, type Row, type Run, type StepMetrics, type Trainer } from "@verlet/core";
import { PromptPool } from "@verlet/data";
import { batchProvisions, BatchReplay, prepareBatch, updatePolicy } from "@verlet/rl";
import { sampleGroups } from "@verlet/rollout";
import { batchValues, updateCritic, valueMetrics } from "./critic-step.js";

const options = z.strictObject({
  critic: z
    .strictObject({
      learningRate: z.number().gt(0).default(1e-5).describe("of the critic; schedule and betas are those of `optimizer`"),
      weightDecay: z.number().min(0).optional().describe("as `optimizer` has it without this"),
      maxGradNorm: z.number().min(0).optional().describe("as `optimizer` has it without this; 0 = off"),
      clipValue: z.number().min(0).default(0.5).describe("how far values may move from those the batch was made with; 0 = any way"),
      warmupSteps: z.int().min(0).default(0).describe("optimizer steps at the start in which the critic alone learns"),
    })
    .prefault({})
    .describe("the value model"),
});

@registerTrainer("ppo", {
  options,
  doc: "PPO with a critic: generalised advantage estimation, clipped ratio, clipped values",
  uses: ["rollout", "rewards", "advantage", "loss"],
  provides: ["critic", ...batchProvisions],
  companions: { critic: "critic" },
  defaults: {
    rollout: { numGenerations: 1 },
    optimizer: { learningRate: 1e-6 },
    advantage: { name: "gae" },
    loss: { name: "clip", klPlace: "reward", klEstimator: "k1" },
  },
})
export class PpoTrainer implements Trainer {
  readonly #options: z.infer<typeof options>["critic"];
  readonly #prompts = new PromptPool();
  #run!: Run;
  #replay!: BatchReplay;
  #critic!: Companion<Critic>;

  constructor(@inject(OPTIONS) { critic }: z.infer<typeof options>) {
    this.#options = critic;
  }

  prepare(rows: readonly Row[], context: PrepareContext): readonly Row[] {
    return this.#prompts.prepare(rows, context);
  }

  lengthOf(row: Row): number {
    return this.#prompts.lengthOf(row);
  }

  async setup(run: Run): Promise<void> {
    const { learningRate, weightDecay, maxGradNorm } = this.#options;
    this.#run = run;
    this.#replay = new BatchReplay(run.config.loss);
    this.#critic = await run.companions.critic("critic", { learningRate, weightDecay, maxGradNorm });
  }

  async step(): Promise<StepMetrics> {
    const run = this.#run;
    const { batchSize, microBatchSize } = run.config.trainer;
    const { clipValue, warmupSteps } = this.#options;
    const batch = await this.#replay.next(async () => {
      const prompts = this.#prompts.take(run.train, batchSize); // P
      const rollouts = await sampleGroups(run.policy, run.tokenizer, prompts, run.config.rollout, run.rng("rollout")); // B = P·G
      const scored = await run.rewards!.score(rollouts, { step: run.step, signal: run.signal });
      const prepared = await prepareBatch(run, scored, { values: (packed) => batchValues(this.#critic.model, packed, microBatchSize) }); // values, advantages, returns [B, C]
      return { ...prepared, metrics: { ...prepared.metrics, ...valueMetrics(prepared.policy) } };
    });

    const learned = updateCritic(run, this.#critic, batch, clipValue);
    if (run.step <= warmupSteps) return this.#replay.updated(undefined, learned);
    const { logProbs, metrics } = updatePolicy(run, batch);
    return this.#replay.updated(logProbs, { ...metrics, ...learned });
  }

  state(): Json {
    return this.#replay.state();
  }

  restore(state: Json): void {
    this.#replay.restore(state);
  }
}
