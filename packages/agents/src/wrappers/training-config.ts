/** The documents' TrainingConfig and LoRA options. */
import { z } from "@verlet/core";
import { readOptions } from "../options/read-options.js";
import { trainAliases, trainSchema, type TrainOptions } from "../options/train-options.js";

const shared = trainSchema.shape;

/** Options in TRL's names; what is left out has the documents' defaults. */
const configSchema = trainSchema
  .pick({
    maxSteps: true, gradientAccumulationSteps: true, learningRate: true, warmupRatio: true, warmupSteps: true, lrSchedulerType: true, weightDecay: true, maxGradNorm: true,
    numGenerations: true, maxNewTokens: true, temperature: true, topP: true, topK: true, klCoef: true, clipRange: true, clipRangeHigh: true, numIterations: true,
    maxLength: true, maxPromptLength: true, useLora: true, loraR: true, loraAlpha: true, loraDropout: true, loraTargetModules: true,
    saveSteps: true, loggingSteps: true, evalSteps: true, seed: true, useTensorboard: true, useWandb: true, wandbProject: true, reportTo: true, runName: true, loggingDir: true, fp16: true, bf16: true, gradientCheckpointing: true, optimizer: true, backend: true, overrides: true,
  })
  .extend({ modelName: shared.modelName.optional(), outputDir: shared.outputDir.default("./output"), numEpochs: shared.numEpochs, batchSize: z.int().min(1).default(4) });

export type TrainingConfigOptions = z.input<typeof configSchema>;

/** Defaults of the documents for what TRL's trainers are given by it. */
const documented: Partial<TrainOptions> = { gradientAccumulationSteps: 4, warmupSteps: 100, saveSteps: 500, loggingSteps: 10, maxLength: 2048, useLora: true, loraTargetModules: ["q_proj", "v_proj"] };

/** What of `documented` says something only where another option leaves it free. */
const unless: Readonly<Record<string, (given: Partial<TrainOptions>) => boolean>> = {
  warmupSteps: ({ warmupRatio }) => warmupRatio !== undefined,
  loraTargetModules: ({ useLora }) => useLora === false,
};

/**
 * Settings of a wrapper, by TRL's names in either spelling: `new TrainingConfig({ num_train_epochs: 3 })`.
 * A learning rate that is not given is 5e-5 for SFT, as documented; an RL wrapper takes its own instead, since 5e-5 makes
 * small policies collapse. Generation has verlet's defaults: the documents' reach no trainer.
 */
export class TrainingConfig {
  readonly options: Partial<TrainOptions>;
  /** What was written of them. */
  readonly given: ReadonlySet<string>;

  /** @throws ConfigError with everything that is wrong. */
  constructor(options: TrainingConfigOptions | Readonly<Record<string, unknown>> = {}) {
    const read = readOptions("TrainingConfig", configSchema, options, trainAliases);
    const free = Object.fromEntries(Object.entries(documented).filter(([name]) => !unless[name]?.(read)));
    this.options = { ...free, ...read };
    this.given = new Set(Object.keys(readOptions("TrainingConfig", z.looseObject({}), options, trainAliases)));
  }
}

/** The learning rate of the documents' TrainingConfig. */
export const CONFIG_SFT_RATE = 5e-5;

const loraSchema = z.strictObject({ r: shared.loraR, loraAlpha: shared.loraAlpha, loraDropout: shared.loraDropout, loraTargetModules: shared.loraTargetModules });

export type LoraConfigOptions = Pick<TrainOptions, "loraR" | "loraAlpha" | "loraDropout" | "loraTargetModules">;

/**
 * LoRA options by PEFT's names: `createLoraConfig({ r: 8, loraAlpha: 16, loraDropout: 0.05, targetModules: ["q_proj"] })`.
 * What is left out has verlet's defaults: 16, 32, 0.05, all linear layers.
 * @throws ConfigError
 */
export function createLoraConfig(options: Readonly<Record<string, unknown>> = {}): LoraConfigOptions {
  const { r, ...rest } = readOptions("createLoraConfig", loraSchema, options, { targetModules: "loraTargetModules", loraR: "r", loraRank: "r", alpha: "loraAlpha", dropout: "loraDropout" });
  return { ...(r !== undefined && { loraR: r }), ...rest };
}
