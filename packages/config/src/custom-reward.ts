/**
 * `rewards: [{ module: ./score.ts, function: computeScore }]`: a reward straight from a function in VERL's form,
 * `(dataSource, solution, groundTruth, extraInfo, options) => number | null | { score, … }`, with the entry's `options` as its
 * last argument. A reward in verlet's own form is registered with registerReward and listed under `plugins:`.
 */
import { registry } from "@verlet/core";
import type { RegistryEntry, RewardContext, RewardSample } from "@verlet/core";
import { fromComputeScore } from "@verlet/data";
import type { ComputeScore } from "@verlet/data";
import { z } from "zod";
import { loadFunction, userEntry } from "./custom-function.js";

/** `computeScore` of VERL, with `reward_kwargs` as one last argument. */
export type VerlRewardFn = (...args: [...Parameters<ComputeScore>, options: Record<string, unknown>]) => ReturnType<ComputeScore>;

export interface CustomReward {
  entry: RegistryEntry<"reward">;
  module: string;
  function: string;
}

/**
 * Loads the function and registers it as `custom/<function>`, which is also the name of its metrics; a function of the same
 * name from another file becomes `custom/<function>-2`.
 * @throws RegistryError when the module or a fitting function is not found.
 */
export async function loadCustomReward(spec: string, functionName: string | undefined, folder: string): Promise<CustomReward> {
  const { target, file, name } = await loadFunction({ spec, folder, word: "score", ...(functionName !== undefined && { name: functionName }) });
  return { entry: register(target as VerlRewardFn, file, name), module: file, function: name };
}

function register(computeScore: VerlRewardFn, file: string, name: string): RegistryEntry<"reward"> {
  for (let count = 1; ; count++) {
    const entryName = `custom/${name}${count === 1 ? "" : `-${count}`}`;
    const known = registry.find("reward", entryName);
    if (known?.source === file) return known;
    if (known) continue;
    const entry = customEntry(computeScore, entryName, file);
    registry.add(entry);
    return entry;
  }
}

function customEntry(computeScore: VerlRewardFn, name: string, file: string): RegistryEntry<"reward"> {
  return userEntry({
    kind: "reward",
    name,
    target: (sample: RewardSample, context: RewardContext) => fromComputeScore((...args) => computeScore(...args, context.options))(sample, context),
    options: z.looseObject({}),
    source: file,
  });
}
