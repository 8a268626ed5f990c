/** Rewards named on the command line: `accuracy`, or `format:{"pattern":"^A"}` with options as JSON. */
import {
  ANSWER_COLUMN,
  POLICY,
  REWARDS,
  SIGNAL,
  TOKENIZER,
  createComponent,
  createRunContainer,
  parseOptions,
  registry,
  type ChatTokenizer,
  type ConfiguredReward,
  type DataSection,
  type Policy,
  type RewardManager,
} from "@verlet/core";
import { DEFAULT_REWARD_MANAGER, rewardSchema } from "@verlet/config";
import { columnName } from "@verlet/data";
import { UsageError } from "./report-error.js";

export interface RewardChoice {
  name: string;
  options: Record<string, unknown>;
}

/** @throws UsageError for options that are no JSON object, RegistryError for an unknown name or options that do not fit. */
export function parseRewards(specs: readonly string[]): RewardChoice[] {
  return specs.map((spec) => {
    const colon = spec.indexOf(":");
    const name = colon < 0 ? spec : spec.slice(0, colon);
    return { name, options: parseOptions(registry.get("reward", name), colon < 0 ? {} : parseJson(spec, spec.slice(colon + 1))) };
  });
}

function parseJson(spec: string, text: string): object {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === "object" && value !== null && !Array.isArray(value)) return value;
  } catch {
    // said below
  }
  throw new UsageError(`--reward ${spec}: what follows the colon is no JSON object; write for example 'length_penalty:{"maxLength":256}'`);
}

export function createRewards(
  choices: readonly RewardChoice[],
  { columns, tokenizer, policy }: { columns: DataSection["columns"]; tokenizer: ChatTokenizer; policy: Policy },
): RewardManager {
  const container = createRunContainer();
  container.register(TOKENIZER, { useValue: tokenizer });
  container.register(POLICY, { useValue: policy });
  container.register(SIGNAL, { useValue: new AbortController().signal });
  const rewards = choices.map(
    ({ name, options }): ConfiguredReward => ({ ...rewardSchema.parse({}), name, options, reward: createComponent("reward", name, options, container) }),
  );
  container.register(REWARDS, { useValue: rewards });
  container.register(ANSWER_COLUMN, { useValue: columnName(columns, "answer") });
  return createComponent("rewardManager", DEFAULT_REWARD_MANAGER, {}, container);
}
