/** The sections trainers read; packages/config holds their schemas and defaults. */
export interface RunSections {
  readonly algorithm: { readonly name: string; readonly options: Readonly<Record<string, unknown>> };
  readonly data: DataSection;
  readonly rollout: RolloutSection;
  readonly rewards: readonly { readonly name: string; readonly weight: number }[];
  readonly loss: LossSection;
  readonly trainer: TrainerSection;
}

/** Column names of a data set: which one holds the prompt, the completion, the answer. */
export type Columns = {
  readonly prompt?: string;
  readonly completion?: string;
  readonly messages?: string;
  readonly text?: string;
  readonly answer?: string;
};

/** One data set, and what of it. */
export interface SourceSpec {
  /** A file, or `hf://owner/name`. */
  readonly path: string;
  /** What `data_source` says of its rows where several data sets are read; the hub's name or the file's without it. */
  readonly name?: string;
  /** Configuration and revision of a data set of the hub. */
  readonly config?: string;
  readonly revision?: string;
  /** `train`, `train[:1000]`, `train[10%:20%]+test`; `[:1000]` for a file. */
  readonly split?: string;
  /** Over those of the section, for these rows alone. */
  readonly columns?: Columns;
  readonly maxSamples?: number;
  /** Share of the rows drawn, relative to the other data sets. */
  readonly weight?: number;
}

/** A path with what is wanted of it (`./rows.jsonl[:1000]`, `hf://owner/name:train[:1000]`), the same as a mapping, or several. */
export type DataSource = string | SourceSpec | readonly (string | SourceSpec)[];

export interface DataSection {
  readonly train: DataSource;
  readonly eval?: DataSource;
  readonly columns: Columns;
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
  /** SFT: several examples in one row of at most maxLength tokens; `trainer.batchSize` counts such rows. */
  readonly packing: boolean;
  /** SFT: batches of rows of similar length. */
  readonly groupByLength: boolean;
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

/** A `+` keeps the value and takes the gradient of k2. */
export type KlEstimator = "k1" | "abs" | "k2" | "k3" | "k3-unbounded" | "k1+" | "abs+" | "k2+" | "k3+";

export interface LossSection {
  readonly aggregation: AggregationMode;
  readonly klCoef: number;
  readonly klEstimator: KlEstimator;
  /** Multiply the KL estimate by the ratio, with its gradient (TRL's `use_bias_correction_kl`, which is on by default there). */
  readonly klBiasCorrection: boolean;
  /** Where the KL term goes: into the loss, or off each token's reward before advantages are computed (PPO, RLOO). */
  readonly klPlace: "loss" | "reward";
  /** `adaptive` moves klCoef so that the measured KL stays near klTarget (Ziegler et al. 2019). */
  readonly klController: "fixed" | "adaptive";
  readonly klTarget: number;
  readonly klHorizon: number;
  /** Weight of the entropy bonus. */
  readonly entropyCoef: number;
  /** Log-probs of the loss are of the distribution after top-k, top-p and min-p, as it was sampled from. */
  readonly renormalize: boolean;
  /** Passes over each sampled batch (TRL: num_iterations, verl: ppo_epochs). */
  readonly iterations: number;
  /** Equal parts of a sampled batch, each one update (verl: train_batch_size / ppo_mini_batch_size). */
  readonly miniBatches: number;
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
