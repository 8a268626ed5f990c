import type * as tf from "@tensorflow/tfjs";
import type { Message, Parameter, TargetSelection, TokenBatch } from "../batch.js";
import type { Rng } from "../rng.js";

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
  /** [N], entropy of the next-token distribution in nats; without gradient unless asked for as "differentiable". */
  entropy?: tf.Tensor1D;
  /** [N], Σ p² of the next-token distribution; a plain value. Present when asked for. */
  sumSquares?: tf.Tensor1D;
  /** [N], 1 where the token is the most likely one of its distribution (the first of equals), 0 elsewhere; a plain value. Present when asked for. */
  mostLikely?: tf.Tensor1D;
}

/** What a pass over given tokens computes. */
export interface LogProbOptions {
  temperature: number;
  /** "differentiable" gives the entropy a gradient, as a bonus in the loss needs. */
  entropy?: boolean | "differentiable";
  sumSquares?: boolean;
  mostLikely?: boolean;
  /**
   * Renormalises each distribution over the tokens that sampling would keep; the given token always counts as kept, so
   * its log-prob stays finite when the policy has moved.
   */
  filter?: Pick<SamplingOptions, "topP" | "topK" | "minP">;
  /** Seeds LoRA dropout for this pass; without it dropout is off. */
  dropout?: Rng;
}

/** A model under training, as trainers see it. */
export interface Policy {
  /** What the optimizer trains, in a fixed order. */
  readonly trainable: readonly Parameter[];
  /** Log-probs of the selected tokens at the given temperature. */
  logProbs(tokens: TokenBatch, selection: TargetSelection, options: LogProbOptions): LogProbResult;
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
