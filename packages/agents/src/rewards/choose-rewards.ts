/** The rewards of a run, from whichever option names them. */
import { ConfigError, z } from "@verlet/core";
import { readOptions } from "../options/read-options.js";
import type { TrainOptions } from "../options/train-options.js";
import type { RewardPart } from "./reward-function.js";
import { partsOf, type RewardInput } from "./reward-function.js";
import { partOf, rewardTypes, type RewardType } from "./shaped-rewards.js";

type RewardOptions = Pick<TrainOptions, "reward" | "customReward" | "rewardType" | "rewardConfig" | "penaltyWeight" | "targetLength" | "stepBonus" | "tolerance" | "variant">;

/** Which option of a reward each of the tool's sets. */
const optionNames = { penaltyWeight: "penaltyWeight", targetLength: "maxLength", stepBonus: "stepBonus", tolerance: "tolerance", variant: "variant" } as const;

/**
 * The rewards that the options name; undefined where they name none.
 * @param named rewards of that name, registered with the tool
 * @throws ConfigError where two options name rewards, for unknown types and for options that the type does not have.
 */
export function chooseRewards(where: string, options: RewardOptions, named: (name: string) => RewardInput | undefined = () => undefined): readonly RewardPart[] | undefined {
  const { reward, customReward } = options;
  const shaping = Object.keys(optionNames).filter((key) => options[key as keyof typeof optionNames] !== undefined);
  const byType = options.rewardType !== undefined || options.rewardConfig !== undefined || shaping.length > 0;
  const given = [reward !== undefined && "reward", customReward !== undefined && "custom_reward", byType && (options.rewardType !== undefined ? "reward_type" : (shaping[0] ?? "reward_config"))].filter((name) => name !== false);
  if (given.length > 1) throw new ConfigError({ where, what: "rewards are named twice", got: given.join(" and "), expected: "one of them" });
  if (customReward !== undefined) return lookUp(customReward as RewardInput, named);
  if (byType) return ofType(where, options);
  if (reward === undefined) return undefined;
  return typeof reward === "string" ? lookUp(reward, named) : [reward].flat();
}

function lookUp(input: RewardInput, named: (name: string) => RewardInput | undefined): readonly RewardPart[] {
  const own = typeof input === "string" ? named(input) : undefined;
  return own === undefined ? partsOf(input) : partsOf(own, input as string);
}

/** @throws ConfigError */
export function ofType(where: string, options: RewardOptions): readonly RewardPart[] {
  const type = requireType(where, options.rewardType ?? "accuracy");
  const flat = Object.fromEntries(Object.entries(optionNames).flatMap(([from, to]) => (options[from as keyof typeof optionNames] === undefined ? [] : [[to, options[from as keyof typeof optionNames]]])));
  const config = inCamel(where, options.rewardConfig ?? {});
  if (type !== "combined") {
    const twice = Object.keys(flat).filter((key) => key in config);
    if (twice.length > 0) throw new ConfigError({ where, what: "an option of the reward is given twice", got: `${twice.join(", ")} beside reward_config and in it`, expected: "it in one place" });
    return [partOf(type, { ...flat, ...config })];
  }
  const { components, ...rest } = config;
  const idle = [...Object.keys(flat), ...Object.keys(rest)];
  if (idle.length > 0) throw new ConfigError({ where, what: "reward_type combined takes no options of its own", got: idle.join(", "), expected: "them in the components of reward_config" });
  if (!Array.isArray(components) || components.length === 0) {
    throw new ConfigError({ where, what: "reward_config.components", got: Array.isArray(components) ? "an empty list" : "nothing", expected: 'a list such as [{ "type": "accuracy", "weight": 1.0 }, { "type": "step", "weight": 0.3 }]' });
  }
  return components.map((component: Record<string, unknown>) => {
    const { type: one, weight = 1, ...own } = inCamel(where, component);
    const name = requireType(where, one);
    if (name === "combined") throw new ConfigError({ where, what: "a component is combined itself", expected: "accuracy, length_penalty or step" });
    if (typeof weight !== "number") throw new ConfigError({ where, what: "the weight of a component", got: String(weight), expected: "a number" });
    return partOf(name, own, weight);
  });
}

/** `target_length` and `max_length` are one. */
function inCamel(where: string, options: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return readOptions(where, z.looseObject({}), options, { targetLength: "maxLength" });
}

function requireType(where: string, type: unknown): RewardType {
  const known = rewardTypes.find((name) => name === type);
  if (known) return known;
  throw new ConfigError({ where, what: "reward_type", got: String(type), expected: rewardTypes.join(", ") });
}
