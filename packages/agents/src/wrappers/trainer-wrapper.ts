/** The documents' trainer wrappers: an algorithm of verlet's with their arguments. */
import { cp, mkdir, readdir } from "node:fs/promises";
import { join, resolve } from "node:path";
import { ConfigError, TrainingError, z, type RunLogger } from "@verlet/core";
import type { ModelSource } from "@verlet/manager";
import type { DatasetInput } from "../data/open-dataset.js";
import { findAlgorithm } from "../options/algorithms.js";
import { readOptions } from "../options/read-options.js";
import { loraKeys } from "../options/refuse-idle.js";
import { trainAliases, trainSchema } from "../options/train-options.js";
import { chooseRewards } from "../rewards/choose-rewards.js";
import { partsOf, type RewardInput } from "../rewards/reward-function.js";
import { isAdapterFolder } from "../train/model-section.js";
import type { TrainProgress } from "../train/progress.js";
import { runTraining, type RunContext, type TrainResult } from "../train/run-training.js";
import { createLoraConfig, TrainingConfig } from "./training-config.js";

const wrapperSchema = trainSchema.omit({ algorithm: true, dataset: true, customDataset: true, customReward: true }).extend({
  config: z.unknown().optional(),
  dataset: z.unknown().optional(),
  rewardFn: z.unknown().optional(),
  loraConfig: z.record(z.string(), z.unknown()).optional(),
  signal: z.instanceof(AbortSignal).optional(),
  onProgress: z.unknown().optional(),
  console: z.boolean().optional(),
  loggers: z.array(z.unknown()).optional(),
  models: z.unknown().optional(),
});

type OptionsOf = z.input<typeof wrapperSchema>;

/** A wrapper's arguments; every option of the tool's `train` is one too, in camelCase or snake_case. */
export interface WrapperOptions extends Partial<Omit<OptionsOf, "dataset" | "rewardFn" | "config" | "loraConfig" | "onProgress" | "loggers" | "models" | "evalDataset">> {
  /** A TrainingConfig; an argument beside it stands over it. */
  config?: TrainingConfig;
  /** Rows, as createSftDataset and createRlDataset give them, a path, or { train, test }. */
  dataset?: DatasetInput;
  evalDataset?: DatasetInput;
  /** RL: what scores completions; the accuracy by default. */
  rewardFn?: RewardInput;
  /** As createLoraConfig gives it; only with useLora. */
  loraConfig?: Readonly<Record<string, unknown>>;
  onProgress?: (progress: TrainProgress) => void;
  loggers?: readonly RunLogger[];
  models?: ModelSource;
  readonly [snakeCase: string]: unknown;
}

type Parts = Pick<WrapperOptions, "dataset" | "rewardFn"> & RunContext;

/** What a wrapper does whatever its algorithm. */
export class TrainerWrapper {
  readonly #name: string;
  readonly #algorithm: string;
  readonly #parts: Parts;
  readonly #read: Omit<z.output<typeof wrapperSchema>, "dataset" | "rewardFn">;
  #result: TrainResult | undefined;

  /**
   * @param facts whether the algorithm samples, and the learning rate where a TrainingConfig leaves it open
   * @throws ConfigError with everything that is wrong
   */
  constructor(name: string, algorithm: string, options: WrapperOptions, facts: { samples: boolean; configRate?: number }) {
    this.#name = name;
    this.#algorithm = algorithm;
    const { config, loraConfig, dataset, rewardFn, signal, onProgress, console, loggers, models, ...rest } = separate(name, options);
    if (config !== undefined && !(config instanceof TrainingConfig)) throw new ConfigError({ where: name, what: "config", got: typeof config, expected: "a TrainingConfig" });
    if (dataset === undefined) throw new ConfigError({ where: name, what: "there is no data set (数据集未设置，请提供训练数据集)", got: "nothing", expected: "dataset: rows, a path, or { train, test }" });
    const fromConfig = config ? { learningRate: facts.configRate, ...fitting(facts.samples, config, rest) } : {};
    const lora = loraConfig ? createLoraConfig(loraConfig) : {};
    const twice = Object.keys(lora).filter((key) => key in rest);
    if (twice.length > 0) throw new ConfigError({ where: name, what: "a LoRA option is given twice", got: `${twice.join(", ")} beside loraConfig and in it`, expected: "it in one place" });
    const all: Record<string, unknown> = { ...fromConfig, ...lora, ...rest };
    if (loraConfig && !all.useLora) throw new ConfigError({ where: name, what: "loraConfig", got: "it without LoRA", expected: "useLora: true beside it" });
    this.#parts = { dataset, rewardFn, signal, onProgress, console, loggers, models } as Parts;
    this.#read = readOptions(name, wrapperSchema, { outputDir: "./output", ...all }, trainAliases);
  }

  /** Trains from the start, or from where the folder's run was stopped. @throws VerletError */
  async train(): Promise<TrainResult> {
    const { dataset, rewardFn, ...context } = this.#parts;
    const algorithm = (await findAlgorithm(this.#algorithm))!;
    const options = trainSchema.parse({ ...pickTrainOptions(this.#read), algorithm: this.#algorithm });
    this.#result = await runTraining({
      ...context,
      where: this.#name,
      algorithm,
      options,
      dataset: dataset!,
      datasetName: "dataset",
      rewards: () => {
        const named = chooseRewards(this.#name, options);
        if (named && rewardFn !== undefined) throw new ConfigError({ where: this.#name, what: "rewards are named twice", got: "rewardFn and reward options", expected: "one of them" });
        return rewardFn === undefined ? named : partsOf(rewardFn);
      },
    });
    return this.#result;
  }

  /**
   * Copies the trained model to another folder; without one it stays where the run left it.
   * @returns the model's folder
   * @throws TrainingError before `train`
   */
  async saveModel(path?: string): Promise<string> {
    if (!this.#result) throw new TrainingError({ where: `${this.#name}.saveModel`, what: "there is no trained model yet", fix: "Call train() first" });
    const { outputDir } = this.#result;
    if (path === undefined || resolve(path) === resolve(outputDir)) return outputDir;
    await mkdir(path, { recursive: true });
    for (const file of (await readdir(outputDir)).filter(isModelFile)) await cp(join(outputDir, file), join(path, file), { recursive: true });
    return path;
  }
}

/** The config's options, but for LoRA's with useLora false, and for defaults that do not fit an adapter that is there or an RL run. */
function fitting(samples: boolean, { options, given }: TrainingConfig, { useLora, modelName = options.modelName }: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const isAdapter = typeof modelName === "string" && isAdapterFolder(modelName);
  const free = [...(isAdapter ? loraKeys : []), ...(samples ? ["maxLength"] : [])].filter((key) => !given.has(key));
  const left = new Set<string>(useLora === false ? [...loraKeys, ...free] : free);
  return Object.fromEntries(Object.entries(options).filter(([key]) => !left.has(key)));
}

const modelFile = /^((adapter_|generation_)?config|tokenizer|tokenizer_config|special_tokens_map|added_tokens|vocab)\.json$|^(chat_template\.jinja|additional_chat_templates|merges\.txt|tokenizer\.model)$|\.safetensors(\.index\.json)?$/;
const isModelFile = (name: string): boolean => modelFile.test(name);

/** Reads the arguments once, so that both spellings of parts that are no plain values are known too. */
function separate(name: string, options: WrapperOptions): Record<string, unknown> & { config?: unknown; loraConfig?: Record<string, unknown> } {
  const partial = wrapperSchema.partial();
  const given = readOptions(name, partial, options, trainAliases);
  // Defaults belong under the TrainingConfig's values: only what was written stands over them.
  const written = new Set(Object.keys(readOptions(name, z.looseObject({}), options, trainAliases)));
  return Object.fromEntries(Object.entries(given).filter(([key]) => written.has(key))) as ReturnType<typeof separate>;
}

function pickTrainOptions(read: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(read).filter(([key]) => key in trainSchema.shape));
}
