import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { callerFile, registerRewardManager, z, type EvalResult, type TrainingManager, type TrainStats } from "@verlet/core";
import { loadConfig, resolveConfig, type LoadedConfig, type ScriptLayer } from "@verlet/config";
import { createManager, type ManagerOptions } from "@verlet/manager";
import { verlManagerOptions, verlRewardManager, type VerlManagerClass } from "@verlet/data";
import { registeredName, remember, scriptName } from "./originals.js";
import { nameOfReward, type RewardFunctionChoice } from "./reward-function.js";
import { checkOptions, readTrainOptions, type TrainOptions } from "./train-options.js";

export interface RLTrainingManagerOptions {
  /** A YAML file or the same as an object, in VERL's shape or verlet's. */
  config: string | Readonly<Record<string, unknown>>;
  /** grpo, dapo, ppo, … or the name of a registered algorithm; over what the config says. */
  algorithmType?: string;
  /** Takes the place of all rewards of the config. */
  rewardFunction?: RewardFunctionChoice;
  /** A class in VERL's form, or the name of a registered reward manager. */
  rewardManagerClass?: VerlManagerClass | string;
  /** A file that exports an advantage function, in VERL's form or verlet's. */
  coreAlgosModule?: string;
  /** Which function of that file, where several fit; without a file, the name of a registered advantage. */
  coreAlgosFunction?: string;
  /** More for verlet's own manager: overrides, loggers, a signal to stop. */
  manager?: Omit<ManagerOptions, "script">;
}

const schema = z.strictObject({
  config: z.union([z.string().min(1), z.record(z.string(), z.unknown())]),
  algorithmType: z.string().min(1).optional(),
  rewardFunction: z.unknown().optional(),
  rewardManagerClass: z.unknown().optional(),
  coreAlgosModule: z.string().min(1).optional(),
  coreAlgosFunction: z.string().min(1).optional(),
  manager: z.record(z.string(), z.unknown()).optional(),
});

/**
 * VERL's training manager over verlet's: `new RLTrainingManager({ config: "grpo.yaml", algorithmType: "grpo" }).train()`.
 * The configuration is read with the first call that needs it, which then throws what is wrong with it.
 */
export class RLTrainingManager {
  readonly #options: RLTrainingManagerOptions;
  /** Registered in the constructor, as the registry is closed while a run trains. */
  readonly #keys: Readonly<Record<string, unknown>>;
  #manager: Promise<TrainingManager> | undefined;

  /** @throws ConfigError for wrong options, RewardError for something that is no reward function. */
  constructor(options: RLTrainingManagerOptions) {
    checkOptions("RLTrainingManager", schema, options);
    this.#options = options;
    this.#keys = keysOf(options, callerFile(RLTrainingManager));
  }

  /**
   * Trains as the configuration says, or with other data, another folder and other settings for this run alone.
   * @throws ConfigError for wrong options; what verlet's own manager throws.
   */
  train(dataPath?: string, outputDir?: string, options?: Omit<TrainOptions, "dataPath" | "outputDir">): Promise<TrainStats>;
  train(options: TrainOptions): Promise<TrainStats>;
  async train(first?: string | TrainOptions, outputDir?: string, options?: Omit<TrainOptions, "dataPath" | "outputDir">): Promise<TrainStats> {
    const given = typeof first === "object" ? first : { ...options, ...(first !== undefined && { dataPath: first }), ...(outputDir !== undefined && { outputDir }) };
    const changes = readTrainOptions(given);
    return (await this.#open(changes)).train(changes);
  }

  /** Measures the model as it is now, on the rows of the config or of `dataPath`. */
  async evaluate(dataPath?: string, { details = false }: { details?: boolean } = {}): Promise<EvalResult> {
    return (await this.#open()).evaluate({ ...(dataPath !== undefined && { dataPath }), details });
  }

  /** Writes the model's folder, ready for transformers or PEFT. */
  async save(path: string): Promise<void> {
    await (await this.#open()).save(path);
  }

  /** Takes the weights (adapter under LoRA) from a folder or checkpoint of the same model. */
  async load(path: string): Promise<void> {
    await (await this.#open()).load(path);
  }

  /** The configuration in verlet's shape; of a file in VERL's, `translation` says what became of each key. */
  async resolve(paths: Paths = {}): Promise<LoadedConfig> {
    const { config, manager } = this.#options;
    const options = { overrides: manager?.overrides ?? [], script: this.#script(paths) };
    return typeof config === "string" ? loadConfig(config, options) : resolveConfig(config, options);
  }

  async dispose(): Promise<void> {
    const manager = await this.#manager?.catch(() => undefined);
    this.#manager = undefined;
    await manager?.dispose();
  }

  /** @param paths of a first run, so that a config may leave them out. */
  #open(paths: Paths = {}): Promise<TrainingManager> {
    const { config, manager } = this.#options;
    return (this.#manager ??= createManager(config, { ...manager, script: this.#script(paths) }));
  }

  #script({ dataPath, outputDir }: Paths): ScriptLayer {
    const { algorithmType } = this.#options;
    return {
      name: "RLTrainingManager",
      keys: this.#keys,
      ...(algorithmType !== undefined && { algorithm: algorithmType }),
      ...(dataPath !== undefined && { dataPath }),
      ...(outputDir !== undefined && { outputDir }),
    };
  }
}

type Paths = Pick<TrainOptions, "dataPath" | "outputDir">;

/** VERL's name of it. */
export const VerlTrainingManager = RLTrainingManager;
export type VerlTrainingManager = RLTrainingManager;
/** VERL's name of it, in its own spelling. */
export const VERLTrainingManager = RLTrainingManager;
export type VERLTrainingManager = RLTrainingManager;

function keysOf({ rewardFunction, rewardManagerClass, coreAlgosModule, coreAlgosFunction }: RLTrainingManagerOptions, source: string): Record<string, unknown> {
  const advantage = coreAlgosModule === undefined ? coreAlgosFunction : { module: modulePath(coreAlgosModule), ...(coreAlgosFunction !== undefined && { function: coreAlgosFunction }) };
  return {
    ...(rewardFunction !== undefined && { rewards: [{ name: nameOfReward(rewardFunction, source) }] }),
    ...(rewardManagerClass !== undefined && { rewardManager: nameOfManager(rewardManagerClass, source) }),
    ...(advantage !== undefined && { advantage }),
  };
}

/** `path/to/algos.ts` as well as `./path/to/algos.ts`; anything that is no file is a package. */
function modulePath(spec: string): string {
  const file = resolve(spec);
  return existsSync(file) ? file : spec;
}

function nameOfManager(choice: VerlManagerClass | string, source: string): string {
  if (typeof choice === "string") return choice;
  const known = registeredName("rewardManager", choice);
  if (known !== undefined) return known;
  const name = scriptName("rewardManager", choice);
  registerRewardManager(name, { doc: "A class given to the training manager.", source, options: verlManagerOptions })(remember(verlRewardManager(choice), choice));
  return name;
}
