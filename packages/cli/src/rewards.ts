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
  type DependencyContainer,
  type Policy,
  type RewardManager,
} from "@verlet/core";
import { DEFAULT_REWARD_MANAGER, rewardSchema } from "@verlet/config";
import { columnName } from "@verlet/data";
import { UsageError } from "./report-error.js";

export interface RewardChoice {
  name: string;
  weight: number;
  options: Record<string, unknown>;
}

/** @throws UsageError for options that are no JSON object, RegistryError for an unknown name or options that do not fit. */
export function parseRewards(specs: readonly string[]): RewardChoice[] {
  return specs.map((spec) => {
    const [name, options] = splitSpec(spec);
    return choose(spec, name, 1, options);
  });
}

/** The same with `name=weight` in the place of the name. @throws UsageError also for a weight that is no number. */
export function parseWeightedRewards(specs: readonly string[]): RewardChoice[] {
  return specs.map((spec) => {
    const [head, options] = splitSpec(spec);
    const [name = "", text, ...more] = head.split("=");
    const weight = text === undefined ? 1 : text.trim() === "" ? NaN : Number(text);
    if (more.length > 0 || !Number.isFinite(weight)) throw new UsageError(`--reward ${spec}: what follows the equals sign is no number; write for example accuracy=0.5`);
    return choose(spec, name, weight, options);
  });
}

/** What stands before the first colon, and the options after it. */
function splitSpec(spec: string): [head: string, options: string | undefined] {
  const colon = spec.indexOf(":");
  return colon < 0 ? [spec, undefined] : [spec.slice(0, colon), spec.slice(colon + 1)];
}

function choose(spec: string, name: string, weight: number, options: string | undefined): RewardChoice {
  return { name, weight, options: parseOptions(registry.get("reward", name), options === undefined ? {} : parseJson(spec, options)) };
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

/** The rewards with everything else as in a YAML that says no more. */
export function configureRewards(choices: readonly RewardChoice[], container: DependencyContainer = createRunContainer()): ConfiguredReward[] {
  return choices.map(({ name, weight, options }) => ({
    ...rewardSchema.parse({ weight }),
    name,
    options,
    reward: createComponent("reward", name, options, container),
  }));
}

export function createRewards(
  choices: readonly RewardChoice[],
  { columns, tokenizer, policy }: { columns: DataSection["columns"]; tokenizer: ChatTokenizer; policy: Policy },
): RewardManager {
  const container = createRunContainer();
  container.register(TOKENIZER, { useValue: tokenizer });
  container.register(POLICY, { useValue: policy });
  container.register(SIGNAL, { useValue: new AbortController().signal });
  container.register(REWARDS, { useValue: configureRewards(choices, container) });
  container.register(ANSWER_COLUMN, { useValue: columnName(columns, "answer") });
  return createComponent("rewardManager", DEFAULT_REWARD_MANAGER, {}, container);
}
