import { isDeepStrictEqual } from "node:util";
import { ConfigError, type Json } from "@verlet/core";
import { markChanges, resolveConfig, type LoadedConfig } from "@verlet/config";
import { parse } from "yaml";

/**
 * Keys that may change when a run goes on from a checkpoint: how long it runs, what is written, and where it computes.
 * A changed number of steps stretches the learning-rate schedule from that step on.
 */
export const CHANGEABLE_ON_RESUME: readonly string[] = [
  "backend",
  "plugins",
  "data.eval",
  "data.maxEvalSamples",
  "model.dtype",
  "trainer.epochs",
  "trainer.maxSteps",
  "trainer.microBatchSize",
  "trainer.gradientCheckpointing",
  "trainer.memoryCheck",
  "trainer.outputDir",
  "trainer.saveEvery",
  "trainer.evalEvery",
  "trainer.keepLast",
  "trainer.keepBest",
  "trainer.resume",
  "trainer.loggers",
  "trainer.rolloutsEvery",
];

/** The resolved config as plain values, for comparing and storing. */
export function configValues(loaded: LoadedConfig): Json {
  return parse(loaded.yaml()) as Json;
}

export interface RunChanges {
  dataPath?: string;
  outputDir?: string;
  overrides?: readonly string[];
}

/** What is loaded once for all runs of a manager. */
const sessionSections = ["plugins", "model", "rewards", "rewardManager", "backend"] as const;

/**
 * The same config with other data, another folder or other settings, as one call of `train` asks.
 * @throws ConfigError for an override that is wrong, or of a section that is loaded already.
 */
export async function withChanges(loaded: LoadedConfig, { dataPath, outputDir, overrides = [] }: RunChanges): Promise<LoadedConfig> {
  const paths = Object.entries({ "data.train": dataPath, "trainer.outputDir": outputDir }).flatMap(([key, path]) => (path === undefined ? [] : [`${key}=${JSON.stringify(path)}`]));
  const all = [...overrides, ...paths];
  if (all.length === 0) return loaded;
  const { config, yaml } = await resolveConfig(loaded.yaml(), { overrides: all, folder: loaded.folder });
  for (const section of sessionSections) {
    if (isDeepStrictEqual(config[section], loaded.config[section])) continue;
    throw new ConfigError({ where: "train", what: `overrides of one run cannot change \`${section}\``, expected: "keys of data, rollout, advantage, loss, optimizer and trainer", fix: "Give it to createManager" });
  }
  const { translation } = loaded;
  const changed = translation && markChanges(translation, parse(loaded.yaml()), parse(yaml()));
  return { ...loaded, config, yaml, ...(changed && { translation: changed }) };
}
