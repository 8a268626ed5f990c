/** What a configuration is once it is read, checked and complete. */
import type { DataSection, LossSection, RolloutSection, RunSections, TrainerSection } from "@verlet/core";
import type { z } from "zod";
import type { Preset } from "./presets.js";
import type {
  BackendName,
  dataSchema,
  loraSchema,
  lossSchema,
  modelSchema,
  optimizerSchema,
  rewardSchema,
  rolloutSchema,
  trainerSchema,
} from "./sections.js";
import type { VerlTable } from "./verl-translation.js";

/** A registered part by name, with its validated options. */
export interface ComponentChoice {
  readonly name: string;
  readonly options: Readonly<Record<string, unknown>>;
}

export type LoraSection = Readonly<z.output<typeof loraSchema>>;
export type ModelSection = Readonly<z.output<typeof modelSchema>>;
export type OptimizerSection = Readonly<z.output<typeof optimizerSchema>>;

/** A function from a file of the user's, registered under `name` when the configuration is read. */
interface FromModule {
  readonly module?: string;
  readonly function?: string;
}

export type RewardChoice = ComponentChoice & FromModule & Readonly<z.output<typeof rewardSchema>>;
export type AdvantageChoice = ComponentChoice & FromModule;

export type ResolvedTrainerSection = TrainerSection &
  Readonly<z.output<typeof trainerSchema>> & { readonly loggers: readonly ComponentChoice[] };

export interface ResolvedConfig extends RunSections {
  readonly algorithm: ComponentChoice;
  /** Package names, and files with their full path. */
  readonly plugins: readonly string[];
  readonly model: ModelSection;
  readonly data: DataSection;
  /** The sections that the algorithm does not use (`uses` of its entry) hold their defaults and go unread. */
  readonly rollout: RolloutSection;
  /** The verifier's among them, as the last. */
  readonly rewards: readonly RewardChoice[];
  /** The name of the reward that says what is right, where `verifier:` names one. */
  readonly verifier?: string;
  readonly rewardManager: ComponentChoice;
  /** Empty name where the algorithm uses no advantage. */
  readonly advantage: AdvantageChoice;
  readonly loss: LossSection & ComponentChoice;
  readonly optimizer: OptimizerSection;
  readonly trainer: ResolvedTrainerSection;
  readonly backend: BackendName;
}

export interface LoadedConfig {
  readonly config: ResolvedConfig;
  /** The YAML's full path; absent when the configuration came from a string or an object. */
  readonly path?: string;
  /** The preset that `algorithm:` named; its keys are part of the configuration. */
  readonly preset?: Preset;
  /** How a file in VERL's shape was read. */
  readonly translation?: VerlTable;
  /** The folder that `plugins:`, `extends:` and `module:` are relative to. */
  readonly folder: string;
  /** The text of config.resolved.yaml: every key with its value; loading it gives the same configuration. */
  yaml(): string;
}

// The schemas and core's contracts say the same thing twice; these lines fail to compile when they differ.
type Fits<Contract, Schema extends Contract> = Schema;
export type SchemaChecks = [
  Fits<DataSection, z.output<typeof dataSchema>>,
  Fits<RolloutSection, z.output<typeof rolloutSchema>>,
  Fits<LossSection, z.output<typeof lossSchema>>,
  Fits<TrainerSection, z.output<typeof trainerSchema>>,
];
