/** verlet's registry with VERL's ways to ask it. */
import { aKind, registry as parts, RegistryError, type Kind, type Target } from "@verlet/core";
import type { VerlAdvantageFn } from "@verlet/config";
import type { VerlManagerClass } from "@verlet/data";
import { originalOf } from "./originals.js";
import type { TextReward } from "./reward-function.js";

export interface VerlRegistry {
  /** What `registerRewardFunction` was given. @throws RegistryError for an unknown name, and for a reward in another form. */
  getRewardFunction(name: string): TextReward;
  /** What `registerRewardManager` was given. @throws RegistryError */
  getRewardManager(name: string): VerlManagerClass;
  /** What `registerCoreAlgos` was given. @throws RegistryError */
  getCoreAlgos(name: string): VerlAdvantageFn;
  /** The class of a model family. @throws RegistryError */
  getCustomModel(name: string): Target;
  /** The class or function of an algorithm. @throws RegistryError */
  getAlgorithm(name: string): Target;
}

function inVerlForm(kind: Kind, name: string, option: string): Target {
  const { target, source } = parts.get(kind, name);
  const original = originalOf(target);
  if (original) return original;
  throw new RegistryError({
    where: `${aKind(kind).replace(/^an? /, "")} ${name}`,
    what: "it was not registered in VERL's form",
    got: `a registration in verlet's own from ${source}`,
    fix: `Hand over its name, as in { ${option}: "${name}" }`,
  });
}

const verl: VerlRegistry = {
  getRewardFunction: (name) => inVerlForm("reward", name, "rewardFunction") as TextReward,
  getRewardManager: (name) => inVerlForm("rewardManager", name, "rewardManagerClass") as unknown as VerlManagerClass,
  getCoreAlgos: (name) => inVerlForm("advantage", name, "coreAlgosFunction") as unknown as VerlAdvantageFn,
  getCustomModel: (name) => parts.get("model", name).target,
  getAlgorithm: (name) => parts.get("trainer", name).target,
};

/** The one registry: everything that verlet's own has, and these. */
export const registry: typeof parts & VerlRegistry = Object.assign(Object.create(parts) as typeof parts, verl);
