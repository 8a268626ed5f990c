import {
  ANSWER_COLUMN,
  CONFIG,
  createComponent,
  createRunContainer,
  POLICY,
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
import type { ModelSource, TrainablePolicy } from "./model-source.js";

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

export async function openSession(loaded: LoadedConfig, models: ModelSource): Promise<Session> {
  const { config } = loaded;
  const backend = await selectBackend(config.backend);
  useGraphs(config.trainer.compile);
  const tokenizer = await models.loadTokenizer(config.model);
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
