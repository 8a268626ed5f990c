/** The kinds of part that can be registered, and what the registry knows of each part. */
import type { z } from "zod";
import type {
  Advantage,
  CompanionKind,
  DatasetReader,
  ModelFamily,
  PolicyLoss,
  Reward,
  RewardManager,
  RunLogger,
  Trainer,
  TrainingManager,
} from "./contracts.js";

export const kinds = [
  "trainingManager",
  "trainer",
  "rewardManager",
  "reward",
  "advantage",
  "policyLoss",
  "model",
  "dataset",
  "logger",
] as const;

export type Kind = (typeof kinds)[number];

/** What a part of each kind is once it has been made. */
export interface KindMap {
  trainingManager: TrainingManager;
  trainer: Trainer;
  rewardManager: RewardManager;
  reward: Reward;
  advantage: Advantage;
  policyLoss: PolicyLoss;
  model: ModelFamily;
  dataset: DatasetReader;
  logger: RunLogger;
}

/** Each kind as messages name it. */
export const kindLabels: Readonly<Record<Kind, string>> = {
  trainingManager: "training manager",
  trainer: "algorithm",
  rewardManager: "reward manager",
  reward: "reward",
  advantage: "advantage",
  policyLoss: "policy loss",
  model: "model family",
  dataset: "dataset reader",
  logger: "logger",
};

/** `a reward`, `an algorithm`. */
export function aKind(kind: Kind): string {
  const label = kindLabels[kind];
  return `${/^[aeiou]/.test(label) ? "an" : "a"} ${label}`;
}

/** What a part asks of the run it is used in; checked before step 0. */
export interface Needs {
  /** The smallest `rollout.numGenerations` it works with. */
  leastGroupSize?: number;
  /** Values from a critic (`AdvantageInput.values`). */
  critic?: boolean;
  /** Log-probs of a frozen reference model. */
  reference?: boolean;
  /** The score of each prompt's greedy completion (`AdvantageInput.greedyScores`). */
  greedyBaseline?: boolean;
  /** Each reward's own scores beside their weighted sum. */
  perRewardScores?: boolean;
  /** The policy's own log-probs and Σp² of every token (`oldLogProbs`, `sumPiSquared`, `importanceWeights`). */
  tokenDistribution?: boolean;
}

/** What a trainer can bring along for the parts beside it. */
export type Provision = "critic" | "greedyBaseline" | "perRewardScores" | "tokenDistribution";

/** The sections of the YAML that only some algorithms read. */
export const optionalSections = ["rollout", "rewards", "advantage", "loss"] as const;
export type OptionalSection = (typeof optionalSections)[number];

/** The keys of `data` that only some algorithms read. */
export const optionalDataKeys = ["packing", "groupByLength"] as const;
export type OptionalDataKey = (typeof optionalDataKeys)[number];

/** A class or function as it was registered. */
export type Target = Function;

export interface RegistryEntry<K extends Kind = Kind> {
  readonly kind: K;
  readonly name: string;
  readonly target: Target;
  /** Strict: a key it does not know is an error. */
  readonly options: z.ZodObject;
  readonly needs: Needs;
  /** Trainers: which of the optional sections it reads. */
  readonly uses: readonly OptionalSection[];
  /** Trainers: which of the optional keys of `data` it reads. */
  readonly reads: readonly OptionalDataKey[];
  /** Trainers and policy losses: a part of a YAML, as an object, that fills what the user left out. */
  readonly defaults: Readonly<Record<string, unknown>>;
  /** Throws where something that the part needs beside the run is missing. */
  readonly check?: (options: Readonly<Record<string, unknown>>) => void;
  /** Trainers: the needs of other parts that it meets. */
  readonly provides: readonly Provision[];
  /** Trainers: the models trained beside the policy, by name. */
  readonly companions?: Readonly<Record<string, CompanionKind>>;
  /** The file it was registered from. */
  readonly source: string;
  /** Name and version in the nearest package.json; empty where there is none. */
  readonly package: string;
  readonly version: string;
  readonly doc: string;
}
