/**
 * The one package that scripts and plugins import.
 * Importing it chooses no backend: TensorFlow starts when a manager or a script first needs it.
 */

// Plugins: decorators, what a part sees, and its options' schemas.
export {
  ANSWER_COLUMN,
  API_VERSION,
  CONFIG,
  OPTIONS,
  POLICY,
  REWARDS,
  SIGNAL,
  TOKENIZER,
  createComponent,
  inject,
  registerAdvantage,
  registerDataset,
  registerLogger,
  registerModel,
  registerPolicyLoss,
  registerReward,
  registerRewardManager,
  registerTrainer,
  registerTrainingManager,
  registry,
  z,
} from "@verlet/core";
export type * from "@verlet/core";
export {
  CheckpointError,
  BackendError,
  ConfigError,
  DataError,
  ModelError,
  RegistryError,
  RewardError,
  ShapeError,
  TrainingError,
  VerletError,
} from "@verlet/core";

// Runs from scripts.
export { Rng } from "@verlet/core";
export { createManager } from "@verlet/manager";
export type { ManagerOptions, ModelSource } from "@verlet/manager";
export { loadBuiltins, loadConfig, loadPlugins, planText, resolveConfig } from "@verlet/config";
export type { LoadedConfig, ResolvedConfig, VerlAdvantageFn } from "@verlet/config";
export { activeBackend, selectBackend, tf } from "@verlet/backend";
export type { BackendInfo } from "@verlet/backend";

// Models and data.
export { CausalLM, loadTokenizer } from "@verlet/model";
export type { LoadOptions, LoraConfig, ModelConfig } from "@verlet/model";
export { SeededLoader, collate, combineRewards, preparePrompts, prepareSft, readRows, requireAnswer, rewardSamples, scoreEach, scoreTogether } from "@verlet/data";
export { sampleGroups } from "@verlet/rollout";

// The mathematics of an algorithm.
export * from "@verlet/rl";
export { AdamW, globalNorm, scheduleFactor } from "@verlet/optim";
