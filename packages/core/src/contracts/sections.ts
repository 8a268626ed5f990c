/** The sections trainers read; packages/config holds their schemas and defaults. */
export interface RunSections {
  readonly algorithm: { readonly name: string; readonly options: Readonly<Record<string, unknown>> };
  readonly data: DataSection;
  readonly rollout: RolloutSection;
  readonly loss: LossSection;
  readonly trainer: TrainerSection;
}

export interface DataSection {
  readonly train: string;
  readonly eval?: string;
  /** Column names of this data set: which one holds the prompt, the completion, the answer. */
  readonly columns: { readonly prompt?: string; readonly completion?: string; readonly messages?: string; readonly text?: string; readonly answer?: string };
  /** `auto`: conversational rows go through the chat template and plain strings do not; `always` wraps strings as user / assistant turns. */
  readonly chatTemplate: "auto" | "always" | "never";
  readonly maxSamples?: number;
  readonly maxEvalSamples?: number;
  /** SFT: longer rows are cut at the end. */
  readonly maxLength: number;
  /** RL: longer prompts are dropped, and counted. */
  readonly maxPromptTokens: number;
  /** SFT: which tokens are trained. `auto` = completion for prompt/completion rows, everything otherwise. */
  readonly trainOn: "auto" | "completion" | "assistant" | "all";
  readonly shuffle: boolean;
}

export interface RolloutSection {
  readonly numGenerations: number;
  readonly maxNewTokens: number;
  readonly temperature: number;
  readonly topP: number;
  readonly topK: number;
  readonly minP: number;
  readonly repetitionPenalty: number;
  /** Rows sampled at a time; 0 = all at once. */
  readonly batchSize: number;
}

export type AggregationMode =
  | "token-mean"
  | "token-sum"
  | "seq-mean-token-sum"
  | "seq-mean-token-mean"
  | "seq-mean-token-sum-norm";

export type KlEstimator = "k1" | "abs" | "k2" | "k3" | "k3-unbounded";

export interface LossSection {
  readonly aggregation: AggregationMode;
  readonly klCoef: number;
  readonly klEstimator: KlEstimator;
  /** Multiply the KL estimate by the ratio, with its gradient (TRL's `use_bias_correction_kl`, which is on by default there). */
  readonly klBiasCorrection: boolean;
  /** Updates taken on each sampled batch (TRL: num_iterations, verl: ppo_epochs). */
  readonly iterations: number;
  /** Leave rows that ran into the length limit out of the loss; their scores still count in their group. */
  readonly maskTruncated: boolean;
}

export interface TrainerSection {
  readonly epochs: number;
  /** Prompts (RL) or rows (SFT) in one optimizer step. */
  readonly batchSize: number;
  /** Rows in one forward and backward pass; 0 = all at once. */
  readonly microBatchSize: number;
  readonly maxSteps?: number;
  readonly seed: number;
}
