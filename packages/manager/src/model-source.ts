import type { ChatTokenizer, Critic, Policy } from "@verlet/core";
import type { ModelSection } from "@verlet/config";
import { CausalLM, loadTokenizer, readAdapterConfig, readModelConfig, ValueModel, type LoadOptions } from "@verlet/model";
import type { ModelShape } from "./run-memory.js";

/** A policy that may know its own frozen starting point. */
export interface TrainablePolicy extends Policy {
  /** LoRA: the same model with its adapter off; shares its weights. */
  withoutAdapter?(): Pick<Policy, "logProbs">;
}

/** Models that can keep less of a forward pass and compute it again. */
interface Checkpointing {
  setGradientCheckpointing(on: boolean): void;
}

/** Sets `trainer.gradientCheckpointing` on a model. @returns whether the model has it; one that a script brings may not */
export function setCheckpointing(model: Policy | Critic, on: boolean): boolean {
  if (!("setGradientCheckpointing" in model)) return false;
  (model as Checkpointing).setGradientCheckpointing(on);
  return true;
}

/** Where a run's model comes from; a script may bring its own in place of the Hugging Face folder's. */
export interface ModelSource {
  /** @param seed of fresh weights and fresh adapters. */
  loadPolicy(section: ModelSection, seed: number): Promise<TrainablePolicy>;
  loadTokenizer(section: ModelSection): Promise<ChatTokenizer>;
  /** The policy's shapes, without its weights; without it a run's memory is known once its model is loaded. */
  shapeOf?(section: ModelSection): Promise<ModelShape>;
  /**
   * The policy as it stood at the start, to be trained beside it; it may borrow the policy's frozen weights.
   * Without it, or where it gives nothing, the policy is loaded a second time.
   */
  loadCopy?(section: ModelSection, seed: number, policy: TrainablePolicy): Promise<Policy | undefined>;
  /** The critic of algorithms that need one. */
  loadCritic?(section: ModelSection, seed: number, policy: TrainablePolicy): Promise<Critic>;
}

/** The folder at `model.path`. */
export const huggingFaceFolder: ModelSource = {
  loadPolicy: (section, seed) => CausalLM.load(section.path, loadOptions(section, seed)),
  loadTokenizer: ({ path }) => loadTokenizer(path),
  shapeOf: async ({ path, lora, adapter }) => ({ config: await readModelConfig(path), lora: adapter === undefined ? lora : (await readAdapterConfig(adapter)).lora }),
  loadCopy: async ({ adapter }, seed, policy) => (hasFrozenWeights(policy) ? policy.withOwnAdapter({ seed, ...(adapter !== undefined && { adapter }) }) : undefined),
  loadCritic: (section, seed, policy) =>
    ValueModel.load(section.path, { ...loadOptions(section, seed), ...(hasFrozenWeights(policy) && { base: policy.parameters }) }),
};

const hasFrozenWeights = (policy: TrainablePolicy): policy is CausalLM => policy instanceof CausalLM && policy.lora !== undefined;

function loadOptions({ init, dtype, computeDtype, baseDtype, lora, adapter }: ModelSection, seed: number): LoadOptions {
  return { init, seed, computeDtype, baseDtype, ...(dtype && { dtype }), ...(lora && { lora }), ...(adapter !== undefined && { adapter }) };
}
