/** verlet's configuration of a run, from the documents' options. */
import { REWARDS_PLUGIN } from "../rewards/register.js";
import type { Columns, DataSection, DataSource } from "@verlet/core";
import { documentedRates, DOCUMENTED_BATCH, samples, type Algorithm } from "../options/algorithms.js";
import { reporters } from "../options/reporters.js";
import { plainKeys, setAt, type TrainOptions } from "../options/train-options.js";
import type { RewardPart } from "../rewards/reward-function.js";
import type { ModelKeys } from "./model-section.js";

export interface ConfigParts {
  algorithm: Algorithm;
  options: TrainOptions;
  model: ModelKeys;
  data: { train: DataSource; eval?: DataSource; columns: Columns; chatTemplate: DataSection["chatTemplate"]; maxSamples?: number };
  rewards: readonly RewardPart[] | undefined;
  /** Whether lines for people go to the console. */
  console: boolean;
}

/** The keys of a YAML; everything that they leave out has verlet's defaults. */
export function buildConfig({ algorithm, options, model, data, rewards, console }: ConfigParts): Record<string, unknown> {
  const keys = plainKeys({ ...options, learningRate: options.learningRate ?? documentedRates[algorithm.name] });
  const batch = options.batchSize ?? (samples(algorithm) ? DOCUMENTED_BATCH.prompts : DOCUMENTED_BATCH.rows);
  setAt(keys, "trainer.batchSize", batch * (options.gradientAccumulationSteps ?? 1));
  setAt(keys, "trainer.microBatchSize", microBatch(algorithm, options, batch));
  setAt(keys, "trainer.loggers", loggers(options, console));
  return {
    ...keys,
    algorithm: algorithm.name,
    ...(rewards?.some(({ name }) => name.startsWith("agents/")) && { plugins: [REWARDS_PLUGIN] }),
    model: { ...model, ...(options.bf16 && { computeDtype: "bfloat16" }) },
    data: { ...keys.data, ...data },
    ...(rewards && { rewards: rewards.map(({ name, options: own, weight }) => ({ name, ...(own && { options: own }), ...(weight !== undefined && { weight }) })) }),
  };
}

/** Accumulation cuts a step into batches; where prompts are counted, a batch has numGenerations rows for each. */
function microBatch(algorithm: Algorithm, { gradientAccumulationSteps, numGenerations }: TrainOptions, batch: number): number | undefined {
  if (gradientAccumulationSteps === undefined) return undefined;
  return samples(algorithm) ? batch * (numGenerations ?? 1) : batch;
}

function loggers(options: TrainOptions, console: boolean): object[] {
  const { loggingSteps } = options;
  return [...(console ? [{ name: "console", ...(loggingSteps !== undefined && { every: loggingSteps }) }] : []), { name: "jsonl" }, ...reporters(options)];
}
