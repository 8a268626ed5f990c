import type { ChatTokenizer, Policy } from "@verlet/core";
import type { ModelSection } from "@verlet/config";
import { CausalLM, loadTokenizer } from "@verlet/model";

/** A policy that may know its own frozen starting point. */
export interface TrainablePolicy extends Policy {
  /** LoRA: the same model with its adapter off; shares its weights. */
  withoutAdapter?(): Pick<Policy, "logProbs">;
}

/** Where a run's model comes from; a script may bring its own in place of the Hugging Face folder's. */
export interface ModelSource {
  /** @param seed of fresh weights and fresh adapters. */
  loadPolicy(section: ModelSection, seed: number): Promise<TrainablePolicy>;
  loadTokenizer(section: ModelSection): Promise<ChatTokenizer>;
}

/** The folder at `model.path`. */
export const huggingFaceFolder: ModelSource = {
  loadPolicy: ({ path, init, dtype, lora, adapter }, seed) =>
    CausalLM.load(path, { init, seed, ...(dtype && { dtype }), ...(lora && { lora }), ...(adapter !== undefined && { adapter }) }),
  loadTokenizer: ({ path }) => loadTokenizer(path),
};
