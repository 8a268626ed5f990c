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
export { loadPipeline, planPipeline, runPipeline, stageKinds } from "@verlet/pipeline";
export type { Pipeline, PipelineEvent, PipelineResult, PreparedStage, RunPipelineOptions, StageKind, StageRecord } from "@verlet/pipeline";
/** VERL's names; its `registerRewardManager` and `registry` differ from the ones above, so all stand together here. */
export * as verl from "@verlet/verl";
export { RLTrainingManager, VERLTrainingManager, VerlTrainingManager } from "@verlet/verl";
export type { RLTrainingManagerOptions } from "@verlet/verl";
/** The HelloAgents documents' names; those that are not listed below stand in `agents`. */
export * as agents from "@verlet/agents";
export {
  checkTrlInstallation,
  createAccuracyReward,
  createCombinedReward,
  createLengthPenaltyReward,
  createLoraConfig,
  createMathDataset,
  createRlDataset,
  createSftDataset,
  createStepReward,
  evaluateRewards,
  formatMathDataset,
  getDeviceInfo,
  getInstallationGuide,
  GRPOTrainerWrapper,
  GSM8KDataset,
  MathRewardFunction,
  PPOTrainerWrapper,
  previewDataset,
  RLTrainingTool,
  SFTTrainerWrapper,
  TrainingConfig,
  trainingPresets,
  TRL_AVAILABLE,
} from "@verlet/agents";
export type { RewardColumns, RLTrainingToolOptions, ToolParams, TrainProgress, TrainResult, WrapperOptions } from "@verlet/agents";
export { activeBackend, selectBackend, tf } from "@verlet/backend";
export type { BackendInfo } from "@verlet/backend";

// Models and data.
export { CausalLM, loadTokenizer, ValueModel } from "@verlet/model";
export type { LoadOptions, LoraConfig, ModelConfig, ValueModelOptions } from "@verlet/model";
export { PromptPool, SeededLoader, collate, combineRewards, inspectRows, preparePrompts, prepareSft, readRows, requireAnswer, rewardSamples, scoreEach, scoreTogether, wordProblems, writeTinyModelFolder } from "@verlet/data";
export type { InspectReport, TinyModelShape } from "@verlet/data";
export { fromComputeScore, verlManagerOptions, verlRewardManager } from "@verlet/data";
export type { ComputeScore, ComputeScoreResult, RunComputeScore, VerlDataItem, VerlManager, VerlScores } from "@verlet/data";
export { sampleGroups } from "@verlet/rollout";

// The mathematics of an algorithm.
export * from "@verlet/rl";
export { AdamW, globalNorm, scheduleFactor } from "@verlet/optim";
