/**
 * Shape legend, used everywhere:
 *   P prompts · G samples per prompt · B = P·G rows · T prompt + completion tokens · C completion tokens
 *   N active tokens (those with mask 1) · V vocabulary · H hidden size
 *
 * A stage adds fields by returning a new record: Prompt → Rollout → ScoredRollout → TrainBatch.
 */
import type * as tf from "@tensorflow/tfjs";

/** One row of a data set, exactly as read. */
export type Row = Readonly<Record<string, unknown>>;

/** A chat message in the Hugging Face form. */
export interface Message {
  role: string;
  content: string;
}

/** A prompt ready to sample from. */
export interface Prompt {
  /** The tokens, generation prompt included, without padding. */
  ids: readonly number[];
  /** The same as text. */
  text: string;
  /** The data set row it came from; rewards read their columns from here. */
  row: Row;
}

/** One sampled completion. */
export interface Rollout {
  prompt: Prompt;
  /** Index of the prompt in its batch: rows with the same number form a group. */
  group: number;
  /** Sampled tokens, the stop token included when it was produced. */
  completionIds: readonly number[];
  /** The completion as text, special tokens skipped. */
  completion: string;
  /** log p of each sampled token under the distribution it was drawn from; one per completion token. */
  logProbs: Float32Array;
  /** True when a stop token ended it; false when it ran into the length limit. */
  finished: boolean;
}

/** A rollout with its rewards. `null` = could not be scored: left out of the group's baseline and of the loss. */
export interface ScoredRollout extends Rollout {
  /** The weighted sum of the rewards that could be computed, or null when none could. */
  score: number | null;
  /** Each reward before its weight, by name. */
  rewards: Readonly<Record<string, number | null>>;
  /** Further parts of the score that are no reward of their own, by name, such as a penalty for length. */
  extras?: Readonly<Record<string, number>>;
  /** Why a reward failed on this row, by the reward's name, where `onError` let the run go on. */
  failures?: Readonly<Record<string, string>>;
}

/** Token sequences as the model takes them: right-padded, so that causal attention alone hides the padding. */
export interface TokenBatch {
  /** [B, T], filled with `padId` after each row's end. */
  ids: Int32Array;
  /** Real tokens in each row, [B]. */
  lengths: Int32Array;
  rows: number;
  /** T, the padded length. */
  width: number;
  /**
   * [B, T]; where several sequences are packed into a row, the place in the row at which each token's own sequence begins.
   * A token sees only its own sequence, and positions count from that place. Without it a row is one sequence.
   */
  starts?: Int32Array;
}

/**
 * The tokens whose log-prob is wanted: flat positions `row · T + t` of the *predicted* token, t ≥ 1, in row order.
 */
export interface TargetSelection {
  /** [N] */
  positions: Int32Array;
}

/** One policy-gradient batch on the host; each step cuts its micro-batches from it. */
export interface PolicyBatch {
  tokens: TokenBatch;
  /** C, the longest completion. */
  completionWidth: number;
  /** [B], tokens of each prompt. */
  promptLengths: Int32Array;
  /** [B, C], 1 where a completion token is trained. */
  mask: Float32Array;
  /** [B, C], log-probs as sampled; 0 where there is no token. */
  sampledLogProbs: Float32Array;
  /** [B, C], the policy's log-probs before its first update on this batch; absent until that update. */
  oldLogProbs?: Float32Array;
  /** [B, C], log-probs of the reference model, when KL is asked for. */
  refLogProbs?: Float32Array;
  /** [B, C] */
  advantages: Float32Array;
  /** [B, C], a critic's values before its update on this batch. */
  values?: Float32Array;
  /** [B, C], what the critic is trained towards. */
  returns?: Float32Array;
  /** [B, C], the policy loss's marks for the update under way. */
  marks?: Float32Array;
}

/** A named tensor that may be trained; the order in a list of these is the order of optimizer state. */
export interface Parameter {
  /** Its Hugging Face name, e.g. `model.layers.0.self_attn.q_proj.weight`. */
  readonly name: string;
  readonly variable: tf.Variable;
}
