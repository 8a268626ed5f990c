import {
  ANSWER_COLUMN,
  CONFIG,
  createComponent,
  createRunContainer,
  POLICY,
  registry,
  REWARDS,
  SIGNAL,
  TOKENIZER,
  type ChatTokenizer,
  type ConfiguredReward,
  type DependencyContainer,
  type RewardManager,
} from "@verlet/core";
import { selectBackend, useGraphs, type BackendInfo } from "@verlet/backend";
import type { LoadedConfig, ResolvedConfig } from "@verlet/config";
import { columnName } from "@verlet/data";
import { checkWeights } from "./check-memory.js";
import type { ModelSource, TrainablePolicy } from "./model-source.js";
import type { RunShape } from "./run-memory.js";

/** What lives as long as the manager: the model and the rewards. Each run adds its own optimizer, data order and trainer. */
export interface Session {
  readonly loaded: LoadedConfig;
  readonly backend: BackendInfo;
  readonly tokenizer: ChatTokenizer;
  readonly policy: TrainablePolicy;
  readonly models: ModelSource;
  /** Undefined where the config names no rewards. */
  readonly rewards: RewardManager | undefined;
  /** What the parts of a run may have injected. */
  readonly container: DependencyContainer;
  dispose(): void;
}

/**
 * @param training the config of the run that is to be trained; a session that only evaluates has none
 * @throws TrainingError before the weights are read, where training them would take more memory than there is
 */
export async function openSession(loaded: LoadedConfig, models: ModelSource, training?: ResolvedConfig): Promise<Session> {
  const { config } = loaded;
  const backend = await selectBackend(config.backend, { ownProducts: config.model.computeDtype === "bfloat16" || config.model.lora !== undefined });
  useGraphs(config.trainer.compile);
  const tokenizer = await models.loadTokenizer(config.model);
  const shape = training && (await shapeOf(training, models));
  if (shape) checkWeights(shape);
  const policy = await models.loadPolicy(config.model, config.trainer.seed);
  const closed = new AbortController();
  const container = createRunContainer();
  container.register(CONFIG, { useValue: config });
  container.register(TOKENIZER, { useValue: tokenizer });
  container.register(POLICY, { useValue: policy });
  container.register(SIGNAL, { useValue: closed.signal });
  const close = (): void => {
    closed.abort();
    policy.dispose();
  };
  let rewards: RewardManager | undefined;
  try {
    rewards = config.rewards.length > 0 ? createRewards(config, container) : undefined;
  } catch (error) {
    close();
    throw error;
  }
  return {
    loaded,
    backend,
    tokenizer,
    policy,
    models,
    rewards,
    container,
    dispose: close,
  };
}

/** Before the rows are read: with the longest that the config allows. */
async function shapeOf(config: ResolvedConfig, models: ModelSource): Promise<RunShape | undefined> {
  const model = await models.shapeOf?.(config.model);
  return model && { config, model, longest: undefined, companions: registry.get("trainer", config.algorithm.name).companions ?? {} };
}

function createRewards(config: ResolvedConfig, container: DependencyContainer): RewardManager {
  const rewards = config.rewards.map(
    ({ name, weight, options, timeout, onError }): ConfiguredReward => ({
      name,
      weight,
      options: { ...options },
      timeout,
      onError,
      reward: createComponent("reward", name, options, container),
    }),
  );
  container.register(REWARDS, { useValue: rewards });
  container.register(ANSWER_COLUMN, { useValue: columnName(config.data.columns, "answer") });
  return createComponent("rewardManager", config.rewardManager.name, config.rewardManager.options, container);
}
