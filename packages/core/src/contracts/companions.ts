import type * as tf from "@tensorflow/tfjs";
import type { Parameter, TargetSelection, TokenBatch } from "../batch.js";
import type { Rng } from "../rng.js";
import type { Policy } from "./model.js";
import type { Optimizer } from "./trainer.js";

/** A model that gives one number a token, as a trainer with a critic sees it. */
export interface Critic {
  /** What its optimizer trains, in a fixed order. */
  readonly trainable: readonly Parameter[];
  /**
   * V(s) of the states in which the selected tokens were chosen: prompt and completion up to the token before each.
   * @param options.dropout seeds LoRA dropout for this pass; without it dropout is off.
   * @returns [N], differentiable with respect to the trainable parameters
   */
  values(tokens: TokenBatch, selection: TargetSelection, options?: { dropout?: Rng }): tf.Tensor1D;
  /** Writes a folder that transformers or PEFT loads. @param options.dtype number format of the files */
  save(folder: string, options?: { dtype?: "float32" | "float16" | "bfloat16" }): Promise<void>;
  /** Reads back the trained weights that `save` wrote; a float32 save comes back bit for bit. */
  restore(folder: string): Promise<void>;
  dispose(): void;
}

/** A model trained beside the policy, with an optimizer of its own. */
export interface Companion<M> {
  readonly model: M;
  readonly optimizer: Optimizer;
}

/** The call of `Companions` that loads it. */
export type CompanionKind = "critic" | "policyCopy";

/** Where a companion's optimizer differs from the `optimizer` section, which holds for the rest. */
export interface CompanionOptions {
  learningRate?: number | undefined;
  weightDecay?: number | undefined;
  maxGradNorm?: number | undefined;
  /** Optimizer steps it will take, for its schedule; the run's by default. */
  totalSteps?: number | undefined;
}

/**
 * Loads further models of a run; to be called in `setup`. The run owns them: each is in every checkpoint with its
 * optimizer, in `outputDir/<name>` at the end, in the plan, and is disposed of with the run.
 * @param name of its folders and of its lines in the plan, such as `critic`
 */
export interface Companions {
  /** The policy as it stood at the start, to be trained on its own. Under LoRA: an adapter over the policy's frozen weights. */
  policyCopy(name: string, options?: CompanionOptions): Promise<Companion<Policy>>;
  /**
   * The policy's layers as they stood at the start under a value head that gives 0 everywhere (or the one that lies in
   * `model.path`). Under LoRA: an adapter over the policy's frozen weights, and the head.
   */
  critic(name: string, options?: CompanionOptions): Promise<Companion<Critic>>;
}
