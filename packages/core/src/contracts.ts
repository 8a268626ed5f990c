/** What each kind of plugin must do. Contracts carry no code. */
import type * as tf from "@tensorflow/tfjs";
import type { Message, Parameter, PolicyBatch, Prompt, Rollout, Row, ScoredRollout, TargetSelection, TokenBatch } from "./batch.js";
import type { Rng } from "./rng.js";

/** Metrics of one step: only what was measured, named `phase/name` as verl and TRL do. */
export type Metrics = Record<string, number>;

/** What may be stored in a checkpoint as JSON. */
export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

// ── rewards ────────────────────────────────────────────────────────────────────────────────────────────────────────

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
}

/** `null` = this sample cannot be scored (it is left out, never counted as zero). */
export type RewardFn<Options = Record<string, unknown>> = (
  sample: RewardSample,
  context: RewardContext<Options>,
) => number | null | Promise<number | null>;

/** A reward sees either one sample at a time (`score`) or the whole batch (`scoreBatch`, one result per sample). */
export interface Reward {
  score?: RewardFn;
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
  /** `raise` stops the run on a failing reward; `skip` makes that sample's reward null. */
  onError: "raise" | "skip";
}

export interface ScoredBatch {
  rollouts: ScoredRollout[];
  /** `rewards/<name>/mean`, `rewards/<name>/std`, `reward`, `reward_std`, … */
  metrics: Metrics;
}

/** Runs the configured rewards over a batch and weighs them into one score a row. */
export interface RewardManager {
  score(rollouts: readonly Rollout[], context: { step: number; signal: AbortSignal }): Promise<ScoredBatch>;
}

// ── advantages and losses ──────────────────────────────────────────────────────────────────────────────────────────

/** The same record for every estimator; each ignores what it does not need. */
export interface AdvantageInput {
  /** [B], the row's score; NaN where it could not be scored (such a row gets advantage 0 and stays out of its group's statistics). */
  scores: Float32Array;
  /** [B, C], scores placed on tokens: an outcome score sits on the row's last token. */
  tokenRewards: tf.Tensor2D;
  /** [B, C] */
  mask: tf.Tensor2D;
  /** [B], rows with the same number belong to one prompt. */
  groups: Int32Array;
  /** [B, C], from a critic. */
  values?: tf.Tensor2D;
  /** [B], score of the greedy completion of each row's prompt. */
  greedyScores?: Float32Array;
}

export interface AdvantageOutput {
  /** [B, C], 0 where the mask is 0. */
  advantages: tf.Tensor2D;
  /** [B, C] */
  returns: tf.Tensor2D;
  metrics?: Metrics;
}

export interface Advantage {
  compute(input: AdvantageInput): AdvantageOutput;
}

export interface PolicyLossInput {
  /** [B, C], differentiable. */
  logProbs: tf.Tensor2D;
  /** [B, C] */
  oldLogProbs: tf.Tensor2D;
  /** [B, C] */
  advantages: tf.Tensor2D;
  /** [B, C] */
  mask: tf.Tensor2D;
}

/** The per-token surrogate loss. Averaging, KL and entropy are added by the trainer, the same for every loss. */
export interface PolicyLoss {
  /** [B, C], to be minimised. */
  tokenLoss(input: PolicyLossInput): tf.Tensor2D;
  /** Sums over the micro-batch's active tokens, by metric name; the trainer divides by the token count. */
  tokenMetrics?(input: PolicyLossInput): Record<string, tf.Scalar>;
}

// ── models ─────────────────────────────────────────────────────────────────────────────────────────────────────────

export interface SamplingOptions {
  maxNewTokens: number;
  /** 0 = greedy. */
  temperature: number;
  /** Keep the smallest set of tokens with at least this probability; 1 = off. */
  topP: number;
  /** Keep the k best tokens, ties included; 0 = off. */
  topK: number;
  /** Drop tokens less likely than minP · (the best one's probability); 0 = off. */
  minP: number;
  /** > 1 makes tokens already present less likely; 1 = off. */
  repetitionPenalty: number;
  /** Any of these ends a row. */
  stopTokenIds: readonly number[];
}

/** One sampled row. */
export interface SampledRow {
  ids: number[];
  /** log p of each token under the filtered, temperature-scaled distribution it was drawn from. */
  logProbs: Float32Array;
  finished: boolean;
}

export interface LogProbResult {
  /** [N], differentiable with respect to the trainable parameters. */
  logProbs: tf.Tensor1D;
  /** [N], entropy of the next-token distribution in nats; a plain value, without gradient. Present when asked for. */
  entropy?: tf.Tensor1D;
}

/** A model under training, as trainers see it. */
export interface Policy {
  /** What the optimizer trains, in a fixed order. */
  readonly trainable: readonly Parameter[];
  /**
   * Log-probs of the selected tokens at the given temperature.
   * @param dropout seeds LoRA dropout for this pass; without it dropout is off.
   */
  logProbs(
    tokens: TokenBatch,
    selection: TargetSelection,
    options: { temperature: number; entropy?: boolean; dropout?: Rng },
  ): LogProbResult;
  /** Samples one completion per prompt row. Takes one word of `rng` per row, which seeds that row's own stream. */
  generate(prompts: readonly (readonly number[])[], options: SamplingOptions, rng: Rng): Promise<SampledRow[]>;
  /**
   * Writes the folder that transformers (full model) or PEFT (adapter) loads.
   * @param options.dtype number format of the files; by default the one the model is configured to be saved in.
   */
  save(folder: string, options?: { dtype?: "float32" | "float16" | "bfloat16" }): Promise<void>;
  /** Reads back the weights (adapter under LoRA) that `save` wrote; a float32 save comes back bit for bit. */
  restore(folder: string): Promise<void>;
  dispose(): void;
}

export interface ChatTokenizer {
  readonly eosTokenId: number;
  readonly padTokenId: number;
  /** Every token that ends a turn: the generation config's eos list and the tokenizer's own eos. */
  readonly stopTokenIds: readonly number[];
  readonly hasChatTemplate: boolean;
  /** Adds what the tokenizer's post-processor adds (Llama: the bos token) unless `addSpecialTokens` is false. */
  encode(text: string, options?: { addSpecialTokens?: boolean }): number[];
  /** Keeps special tokens unless `skipSpecialTokens` is true. */
  decode(ids: readonly number[], options?: { skipSpecialTokens?: boolean }): string;
  /**
   * The chat as text; templates write their own special tokens, so encode it with `addSpecialTokens: false`.
   * `variables` are further names that the template may read, such as `enable_thinking`.
   */
  renderChat(
    messages: readonly Message[],
    options?: { addGenerationPrompt?: boolean; variables?: Readonly<Record<string, unknown>> },
  ): string;
  /**
   * The chat as text, and the [start, end) parts of it that the template encloses in generation blocks.
   * Undefined where the template has no such blocks.
   */
  renderMarkedChat?(messages: readonly Message[]): { text: string; spans: [start: number, end: number][] } | undefined;
  /** Copies the tokenizer's files into a model folder. */
  save(folder: string): Promise<void>;
}

/** A family of model architectures, as config.json names them. */
export interface ModelFamily {
  /** The `model_type` values it takes. */
  readonly modelTypes: readonly string[];
  /** Reads a config.json. @throws ModelError naming the key at fault. */
  parseConfig(json: unknown, where: string): unknown;
}

// ── training ───────────────────────────────────────────────────────────────────────────────────────────────────────

/** Rows in a seeded order, epoch after epoch; its state makes a resumed run see the same rows. */
export interface DataLoader<T> {
  readonly length: number;
  next(count: number): T[];
  state(): Json;
  restore(state: Json): void;
}

export interface Optimizer {
  /** Applies one update with the given gradients (same order as the parameters). Disposes of nothing it was given. */
  step(gradients: readonly tf.Tensor[]): Metrics;
  /** Named tensors (float32) and scalars for a checkpoint. */
  state(): { step: number; tensors: Record<string, { shape: number[]; data: Float32Array }> };
  restore(state: { step: number; tensors: Record<string, { shape: number[]; data: Float32Array }> }): void;
  dispose(): void;
}

export interface StepMetrics {
  metrics: Metrics;
  /** What this step sampled, for the rollouts file and the screen. */
  rollouts?: readonly (ScoredRollout & { advantage: number })[];
}

/** Everything a trainer must have back to go on as if nothing had happened; weights and optimizer are the manager's. */
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
  readonly rewards?: RewardManager;
  readonly advantage?: Advantage;
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

export interface EvalResult {
  metrics: Metrics;
  /** One record per question, when asked for. */
  details?: { prompt: string; completion: string; score: number | null; rewards: Record<string, number | null>; row: Row }[];
}

export interface TrainStats {
  steps: number;
  totalSteps: number;
  outputDir: string;
  backend: string;
  seconds: number;
  /** The last step's metrics. */
  metrics: Metrics;
  evaluation?: Metrics;
  /** True when Ctrl+C or an AbortSignal ended the run early; what was trained is saved. */
  interrupted: boolean;
}

export interface TrainingManager {
  train(options?: { dataPath?: string; outputDir?: string }): Promise<TrainStats>;
  evaluate(options?: { dataPath?: string; details?: boolean }): Promise<EvalResult>;
  save(path: string): Promise<void>;
  load(path: string): Promise<void>;
  dispose(): Promise<void>;
}

/** Receives what happens in a run. */
export interface RunLogger {
  /** True when it writes for people on the terminal; such a logger is left out where the output is for machines. */
  readonly screen?: boolean;
  /** `startStep`: steps already done when the run starts, 0 unless it was resumed; records after it are to be dropped. */
  start?(info: { outputDir: string; totalSteps: number; startStep: number }): void | Promise<void>;
  step(step: number, metrics: Metrics): void | Promise<void>;
  evaluation?(step: number, metrics: Metrics): void | Promise<void>;
  checkpoint?(step: number, folder: string): void | Promise<void>;
  line?(text: string): void;
  end?(stats: TrainStats): void | Promise<void>;
}

/** Reads rows from one kind of file. */
export interface DatasetReader {
  /** True when this reader takes the path. */
  accepts(path: string): boolean;
  /** Rows with their place in the file, for messages. */
  read(path: string): Promise<readonly Row[]>;
}

export type { PolicyBatch, Prompt };
