import type { Message, Rollout, Row, ScoredRollout } from "../batch.js";
import type { Metrics } from "./values.js";

/** What a reward sees of one rollout. */
export interface RewardSample {
  /** The prompt as text, chat template applied. */
  prompt: string;
  /** The completion as text, special tokens skipped. */
  completion: string;
  /** The completion as a chat message list, for rewards written for conversations. */
  messages: readonly Message[];
  completionIds: readonly number[];
  /** True when a stop token ended the completion. */
  finished: boolean;
  /** The data set row: every column under its own name. */
  row: Row;
  /** The row's answer column (`data.columns.answer`), or undefined where the row has none. */
  answer: unknown;
  /** The name of that column, for messages. */
  answerColumn?: string;
}

export interface RewardContext<Options = Record<string, unknown>> {
  options: Options;
  /** The optimizer step this is for; 0 outside training. */
  step: number;
  /** Aborted when the reward's timeout passes or the run is stopped. */
  signal: AbortSignal;
  /**
   * Measures something beside the score: the mean over a batch becomes the metric `rewards/<reward>/extra/<name>`. There
   * whenever a reward manager calls; takes finite numbers alone.
   */
  log?(name: string, value: number): void;
}

/** `null` = this sample cannot be scored (it is left out, never counted as zero). */
export type RewardFn<Options = Record<string, unknown>> = (
  sample: RewardSample,
  context: RewardContext<Options>,
) => number | null | Promise<number | null>;

/** A reward sees either one sample at a time (`score`) or the whole batch (`scoreBatch`, one result per sample). */
export interface Reward {
  score?: RewardFn;
  /** The most samples of one `scoreBatch` call; all of a step in one call without it. Each call has its own timeout. */
  readonly maxBatch?: number;
  scoreBatch?(
    samples: readonly RewardSample[],
    context: RewardContext,
  ): readonly (number | null)[] | Promise<readonly (number | null)[]>;
}

/** One entry of the YAML's `rewards:` list, resolved. */
export interface ConfiguredReward {
  name: string;
  weight: number;
  reward: Reward;
  options: Record<string, unknown>;
  /** Seconds one call may take. */
  timeout: number;
  /** `raise` stops the run on a failing reward; `skip` makes that sample's reward null, a number makes it that number. */
  onError: "raise" | "skip" | number;
}

export interface ScoredBatch {
  rollouts: ScoredRollout[];
  /** `rewards/<name>/mean`, `rewards/<name>/std`, `rewards/<name>/<source>/mean`, `reward`, `reward_std`, … */
  metrics: Metrics;
}

/** Runs the configured rewards over a batch and weighs them into one score a row. */
export interface RewardManager {
  score(rollouts: readonly Rollout[], context: { step: number; signal: AbortSignal }): Promise<ScoredBatch>;
}
