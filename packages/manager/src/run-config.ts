import type { Json } from "@verlet/core";
import type { LoadedConfig } from "@verlet/config";
import { parse, parseDocument } from "yaml";

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

/** The same config with other data or another folder, as `train({ dataPath, outputDir })` asks. */
export function withPaths(loaded: LoadedConfig, { dataPath, outputDir }: { dataPath?: string; outputDir?: string }): LoadedConfig {
  if (dataPath === undefined && outputDir === undefined) return loaded;
  const { config } = loaded;
  const document = parseDocument(loaded.yaml());
  if (dataPath !== undefined) document.setIn(["data", "train"], dataPath);
  if (outputDir !== undefined) document.setIn(["trainer", "outputDir"], outputDir);
  const text = document.toString();
  return {
    ...loaded,
    config: {
      ...config,
      data: { ...config.data, ...(dataPath !== undefined && { train: dataPath }) },
      trainer: { ...config.trainer, ...(outputDir !== undefined && { outputDir }) },
    },
    yaml: () => text,
  };
}
