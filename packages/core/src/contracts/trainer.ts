import type * as tf from "@tensorflow/tfjs";
import type { Row, ScoredRollout } from "../batch.js";
import type { Rng } from "../rng.js";
import type { Companions } from "./companions.js";
import type { ChatTokenizer, Policy } from "./model.js";
import type { Needs } from "../kinds.js";
import type { Advantage, PolicyLoss } from "./objective.js";
import type { RewardManager } from "./reward.js";
import type { RunSections } from "./sections.js";
import type { Json, Metrics } from "./values.js";

/** Rows in a seeded order, epoch after epoch; its state makes a resumed run see the same rows. */
export interface DataLoader<T> {
  readonly length: number;
  next(count: number): T[];
  state(): Json;
  restore(state: Json): void;
}

export interface Optimizer {
  /**
   * Applies one update with the given gradients, in the order of the parameters. It may free each as soon as it is used, so
   * that weights, moments and gradients are never there all at once; the caller disposes of them all afterwards.
   */
  step(gradients: readonly tf.Tensor[]): Metrics;
  /** Named tensors (float32) and scalars for a checkpoint. `data` may be read from the device when asked for: ask before the next step. */
  state(): { step: number; tensors: Record<string, { shape: number[]; data: Float32Array }> };
  /** The inverse. `data` may be read from a file when asked for: ask before this returns, for one tensor after the other. */
  restore(state: { step: number; tensors: Record<string, { shape: number[]; data: Float32Array }> }): void;
  dispose(): void;
}

export interface StepMetrics {
  metrics: Metrics;
  /** What this step sampled, for the rollouts file and the screen. */
  rollouts?: readonly (ScoredRollout & { advantage: number })[];
}

/** Everything a trainer must have back to go on as if nothing had happened; weights and optimizers are the manager's. */
export type TrainerState = Json;

/**
 * One training algorithm. `step()` is one optimizer step.
 * Parts (`Run`) are made by the manager from the config and handed to `setup`.
 */
export interface Trainer {
  /**
   * Looks at all training rows once, before the steps of an epoch are counted: gives back those it will train on, in
   * order, says through `log` what it dropped and why. Without it every row is used.
   * @throws DataError when nothing is left.
   */
  prepare?(rows: readonly Row[], context: PrepareContext): readonly Row[];
  /**
   * Tokens of a row that `prepare` gave back, of its prompt where completions are sampled: with it the memory that a run
   * will take is estimated for its longest row, without it for the longest that the config allows. `data.groupByLength`,
   * which the registration names under `reads`, cannot be without it.
   */
  lengthOf?(row: Row): number;
  setup(run: Run): Promise<void>;
  step(): Promise<StepMetrics>;
  state(): TrainerState;
  restore(state: TrainerState): void;
  /** Frees tensors the trainer holds between steps. */
  dispose?(): void;
  /** Metrics over the evaluation rows, in the trainer's own terms (SFT: loss and token accuracy; RL: rewards). */
  evaluate?(rows: readonly Row[]): Promise<Metrics>;
}

export interface PrepareContext {
  readonly config: RunSections;
  readonly tokenizer: ChatTokenizer;
  /** `file:row` of the i-th row, for messages. */
  where(i: number): string;
  log(line: string): void;
}

/** The weight of the KL term, fixed or adaptive. */
export interface KlControl {
  readonly coef: number;
  /** Takes in the mean KL measured on a batch of `rows` rows. */
  observe(kl: number, rows: number): void;
}

/** What the manager hands to a trainer. Parts that the algorithm did not ask for (`uses`) are absent. */
export interface Run {
  /** The resolved sections of the YAML, already checked. */
  readonly config: RunSections;
  readonly policy: Policy;
  readonly tokenizer: ChatTokenizer;
  /** The frozen starting point for KL, when the loss asks for it; for LoRA the same model with its adapter off. */
  readonly reference?: Pick<Policy, "logProbs">;
  readonly train: DataLoader<Row>;
  readonly optimizer: Optimizer;
  /** Further models to train beside the policy. */
  readonly companions: Companions;
  readonly rewards?: RewardManager;
  readonly advantage?: Advantage;
  /** What the advantage estimator asks for. */
  readonly advantageNeeds: Needs;
  /** The KL coefficient of the run; its state is kept in checkpoints. */
  readonly kl: KlControl;
  readonly policyLoss?: PolicyLoss;
  /** Seeded streams: `run.rng("rollout")` is the same stream each time, saved in checkpoints. */
  rng(stream: string): Rng;
  /** The optimizer step about to be taken, from 1. */
  readonly step: number;
  readonly totalSteps: number;
  readonly signal: AbortSignal;
  /** A line for the user. */
  log(line: string): void;
}
