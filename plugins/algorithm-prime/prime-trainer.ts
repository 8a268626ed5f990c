/**
 * PRIME (Cui et al. 2025): process reinforcement through implicit rewards. A reward model, at first a copy of the policy,
 * learns online from outcomes alone; its log-ratio to the frozen starting model is a reward for every token (Yuan et al.
 * 2024), which is added to the outcome after each has been compared within its group. Defaults are those of verl's recipe.
 * The outcome is the rollout's score and must lie in [0, 1]. Differs from the recipe: sampling stops when a batch is full
 * (`accuracy-filter.ts`); the reward model takes one step a batch, of all its rows; only the cross-entropy loss, token
 * granularity and λ = 0 are there.
 * Memory: the reward model with its gradients and moments, and the frozen starting model. Under LoRA the reward model is an
 * adapter of its own over the policy's frozen weights, which are the starting model.
 */
import { ConfigError, inject, OPTIONS, registerTrainer, z, type Companion, type Json, type Policy, type PrepareContext, type Row, type Run, type StepMetrics, type Trainer } from "@verlet/core";
import { PromptPool } from "@verlet/data";
import { BatchReplay, prepareBatch, updatePolicy } from "@verlet/rl";
import { sampleGroups } from "@verlet/rollout";
import { sampleByAccuracy } from "./accuracy-filter.js";
import { outcomesOf } from "./outcomes.js";
import { primeAdvantage } from "./prime-advantage.js";
import { teachAndJudge } from "./reward-model-step.js";

const options = z.strictObject({
  rewardModel: z
    .strictObject({
      learningRate: z.number().gt(0).default(1e-6).describe("of the reward model; schedule and betas are those of `optimizer`"),
      weightDecay: z.number().min(0).optional().describe("as `optimizer` has it without this"),
      maxGradNorm: z.number().min(0).optional().describe("as `optimizer` has it without this; 0 = off"),
      beta: z.number().gt(0).default(0.05).describe("β of the implicit reward (verl: beta_train)"),
      update: z.enum(["before", "after"]).default("before").describe("learn from a batch before giving its process rewards, or after, which saves a pass"),
      normalize: z.boolean().default(true).describe("divide process rewards by the batch's largest reward to go (verl: prime_norm batch_norm)"),
    })
    .prefault({})
    .describe("the implicit process reward model"),
  filter: z
    .strictObject({
      lowest: z.number().min(0).max(1).default(0.2).describe("groups with a lower mean outcome are too hard"),
      highest: z.number().min(0).max(1).default(0.8).describe("groups with a higher one are too easy"),
      dropTruncated: z.boolean().default(true).describe("pass over groups with a completion that ran into the length limit"),
      oversample: z.int().min(1).default(4).describe("at most this many batches are sampled to fill one; 1 = no filter"),
    })
    .prefault({})
    .describe("which prompts a batch is made of"),
  processCoef: z.number().min(0).default(5).describe("weight of the process rewards (verl: reward_dpo_coef)"),
  outcomeCoef: z.number().min(0).default(5).describe("weight of the outcome (verl: reward_gt_coef)"),
});

@registerTrainer("prime", {
  options,
  doc: "PRIME: an implicit process reward model, trained online beside the policy, rewards every token",
  uses: ["rollout", "rewards", "loss"],
  needs: { reference: true, leastGroupSize: 2 },
  companions: { "reward-model": "policyCopy" },
  defaults: {
    rollout: { numGenerations: 4 },
    optimizer: { learningRate: 1e-6 },
    loss: { name: "clip", entropyCoef: 0.001 },
  },
})
export class PrimeTrainer implements Trainer {
  readonly #options: z.infer<typeof options>;
  readonly #prompts = new PromptPool();
  #run!: Run;
  #replay!: BatchReplay;
  #rewardModel!: Companion<Policy>;

  constructor(@inject(OPTIONS) given: z.infer<typeof options>) {
    this.#options = given;
  }

  prepare(rows: readonly Row[], context: PrepareContext): readonly Row[] {
    return this.#prompts.prepare(rows, context);
  }

  lengthOf(row: Row): number {
    return this.#prompts.lengthOf(row);
  }

  async setup(run: Run): Promise<void> {
    const { iterations, miniBatches, klPlace, klCoef } = run.config.loss;
    if (klCoef > 0 && klPlace === "reward") {
      throw new ConfigError({ where: "loss.klPlace", what: "prime's rewards are compared within their group, with no place for a KL term", got: "reward", expected: "loss" });
    }
    const { learningRate, weightDecay, maxGradNorm } = this.#options.rewardModel;
    const totalSteps = Math.ceil(run.totalSteps / (iterations * miniBatches)); // one for each sampled batch
    this.#run = run;
    this.#replay = new BatchReplay(run.config.loss);
    this.#rewardModel = await run.companions.policyCopy("reward-model", { learningRate, weightDecay, maxGradNorm, totalSteps });
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
      const { rollouts, metrics } = await sampleByAccuracy(draw, { prompts: batchSize, ...this.#options.filter }); // B = P·G
      const outcomes = outcomesOf(rollouts); // y [B]
      const judged = teachAndJudge(run, this.#rewardModel, rollouts, outcomes, this.#options.rewardModel); // r [B, C]
      const advantage = primeAdvantage(judged.process, outcomes, judged.lengths, this.#options);
      return prepareBatch(run, { rollouts, metrics: { ...metrics, ...judged.metrics } }, { advantage }); // advantages [B, C]
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
