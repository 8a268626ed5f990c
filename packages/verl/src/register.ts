/** VERL's registration functions. Each registers a part of verlet's, which a YAML may name like any other. */
import {
  callerFile,
  registerAdvantage,
  registerModel,
  registerReward,
  registerRewardManager as registerOwnManager,
  registerTrainer,
  type RegisterMeta,
} from "@verlet/core";
import { verlAdvantage, verlAdvantageOptions, type VerlAdvantageFn } from "@verlet/config";
import { verlManagerOptions, verlRewardManager, type VerlManagerClass } from "@verlet/data";
import { remember } from "./originals.js";
import { fromTextReward, type TextReward } from "./reward-function.js";

type Meta = Pick<RegisterMeta<never>, "doc" | "api">;

/**
 * A reward function in the form of VERL's training manager, `(inputText, responseText, kwargs)`.
 * For `compute_score` write `registerReward(name)(fromComputeScore(fn))`; for verlet's own form `registerReward(name)(fn)`.
 */
export function registerRewardFunction<Options = Record<string, never>>(name: string, meta: Omit<RegisterMeta<Options>, "needs" | "source"> = {}) {
  const source = callerFile(registerRewardFunction);
  return <F extends TextReward>(reward: F): F => {
    registerReward<Options>(name, { ...meta, source })(remember(fromTextReward(reward), reward) as never);
    return reward;
  };
}

/** A reward manager in VERL's form: `constructor(tokenizer, numExamine, config, computeScore)` and `call(data)`. */
export function registerRewardManager(name: string, meta: Meta = {}) {
  const source = callerFile(registerRewardManager);
  return <C extends VerlManagerClass>(Class: C): C => {
    registerOwnManager(name, { ...meta, source, options: verlManagerOptions })(remember(verlRewardManager(Class), Class));
    return Class;
  };
}

/**
 * An advantage in VERL's form, `(tokenLevelRewards, eosMask, index, epsilon) => [advantages, returns]`: the rewards and the
 * mask [B, C], the group of each row [B].
 */
export function registerCoreAlgos(name: string, meta: Meta = {}) {
  const source = callerFile(registerCoreAlgos);
  return <F extends VerlAdvantageFn>(compute: F): F => {
    registerAdvantage(name, { ...meta, source, options: verlAdvantageOptions })(remember(verlAdvantage(compute, name), compute) as never);
    return compute;
  };
}

/** verlet's `registerModel` under VERL's name. */
export const registerCustomModel = registerModel;
/** verlet's `registerTrainer` under VERL's name. */
export const registerAlgorithm = registerTrainer;
