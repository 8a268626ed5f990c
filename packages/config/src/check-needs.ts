/** What the chosen parts need of the run and of each other, checked before step 0. */
import { kindLabels, optionalDataKeys, registry } from "@verlet/core";
import type { ErrorParts, Kind, Provision, RegistryEntry } from "@verlet/core";
import type { ComponentChoice, ResolvedConfig } from "./types.js";

type KeyPath = readonly (string | number)[];

export interface NeedProblem extends Omit<ErrorParts, "where"> {
  /** The key that is at fault, from the top of the configuration. */
  path: KeyPath;
}

export interface UsedEntry {
  /** The key that names it. */
  path: KeyPath;
  entry: RegistryEntry;
  choice: ComponentChoice;
}

/** The registered parts that a configuration uses, the algorithm first; sections that are not there yet are passed over. */
export function usedEntries(config: Partial<ResolvedConfig>): UsedEntry[] {
  const trainer = config.algorithm && registry.find("trainer", config.algorithm.name);
  if (!trainer) return [];
  const used: UsedEntry[] = [{ path: ["algorithm"], entry: trainer, choice: config.algorithm! }];
  const use = (kind: Kind, path: KeyPath, choice: ComponentChoice | undefined): void => {
    if (choice) used.push({ path, entry: registry.get(kind, choice.name), choice });
  };
  if (trainer.uses.includes("rewards")) {
    config.rewards?.forEach((choice, index) => use("reward", ["rewards", index], choice));
    use("rewardManager", ["rewardManager"], config.rewardManager);
  }
  if (trainer.uses.includes("advantage")) use("advantage", ["advantage"], config.advantage);
  if (trainer.uses.includes("loss")) use("policyLoss", ["loss"], config.loss);
  config.trainer?.loggers.forEach((choice, index) => use("logger", ["trainer", "loggers", index], choice));
  return used;
}

/** Asks each part whether what it needs beside the run is there. @throws VerletError of the first one that lacks something. */
export function checkParts(config: ResolvedConfig): void {
  for (const { entry, choice } of usedEntries(config)) entry.check?.(choice.options);
}

/** Whether the run has to load a frozen reference: for the KL term, or because a part reads its log-probs. */
export function needsReference(config: ResolvedConfig): boolean {
  const used = usedEntries(config);
  const hasKl = used[0]!.entry.uses.includes("loss") && config.loss.klCoef > 0; // in the loss or in the reward
  return hasKl || used.some(({ entry }) => entry.needs.reference === true);
}

const provisions: Readonly<Record<Provision, string>> = {
  critic: "values from a critic",
  greedyBaseline: "the score of a greedy completion",
  perRewardScores: "each reward's own scores",
  tokenDistribution: "the policy's distribution at each token",
};

/** Everything that is asked for and not there, as far as the configuration is complete. */
export function checkNeeds(config: Partial<ResolvedConfig>): NeedProblem[] {
  const used = usedEntries(config);
  const trainer = used[0]?.entry;
  if (!trainer) return [];
  const groupSize = trainer.uses.includes("rollout") ? config.rollout?.numGenerations : undefined;
  return [
    ...used.flatMap((part) => [...groupProblems(part.entry, groupSize), ...provisionProblems(part, trainer)]),
    ...dataProblems(config, trainer),
    ...evaluationProblems(config),
    ...lossProblems(config, trainer),
    ...used.flatMap((part) => penaltyProblems(part, config)),
  ];
}

function groupProblems({ kind, name, needs }: RegistryEntry, groupSize: number | undefined): NeedProblem[] {
  const { leastGroupSize } = needs;
  if (leastGroupSize === undefined || groupSize === undefined || groupSize >= leastGroupSize) return [];
  return [
    {
      path: ["rollout", "numGenerations"],
      what: "rollout.numGenerations",
      got: String(groupSize),
      expected: `at least ${leastGroupSize}, which ${kindLabels[kind]} ${name} needs`,
    },
  ];
}

function provisionProblems({ path, entry }: UsedEntry, trainer: RegistryEntry): NeedProblem[] {
  const { kind, name, needs } = entry;
  const missing = (Object.keys(provisions) as Provision[]).filter((need) => needs[need] && !trainer.provides.includes(need));
  return missing.map((need) => {
    const able = registry.list("trainer").filter(({ provides }) => provides.includes(need));
    const names = able.map((other) => other.name).join(", ");
    return {
      path,
      what: `${kindLabels[kind]} ${name} needs ${provisions[need]}`,
      got: `algorithm ${trainer.name}, which has none`,
      expected: `an algorithm that provides it (${names || "there is none"})`,
    };
  });
}

/** Keys of the data that the algorithm does not read, or that another one leaves without sense. */
function dataProblems({ data }: Partial<ResolvedConfig>, { name, reads }: RegistryEntry): NeedProblem[] {
  const problems: NeedProblem[] = [];
  if (!data) return problems;
  for (const key of optionalDataKeys.filter((one) => data[one] && !reads.includes(one))) {
    const able = registry.list("trainer").filter((other) => other.reads.includes(key));
    const names = able.map((other) => other.name).join(", ");
    problems.push({ path: ["data", key], what: `data.${key}`, got: `true with algorithm ${name}, which does not read it`, expected: `false, or an algorithm that does (${names || "there is none"})` });
  }
  if (data.groupByLength && !data.shuffle) {
    problems.push({ path: ["data", "groupByLength"], what: "data.groupByLength", got: "true with data.shuffle: false, which keeps the order of the file", expected: "shuffle: true beside it", fix: "Take one of the two out" });
  }
  if (data.packing && Array.isArray(data.train) && data.train.some((source) => typeof source === "object" && "weight" in source)) {
    problems.push({ path: ["data", "packing"], what: "data.packing", got: "true beside weights, which count single rows", expected: "data sets without weights", fix: "Take one of the two out" });
  }
  return problems;
}

/** Keys of the loss that contradict each other or could not be met. */
function lossProblems({ loss, rollout, trainer: section }: Partial<ResolvedConfig>, { uses }: RegistryEntry): NeedProblem[] {
  if (!loss || !uses.includes("loss")) return [];
  const problems: NeedProblem[] = [];
  if (loss.klPlace === "reward" && loss.klBiasCorrection) {
    problems.push({ path: ["loss", "klBiasCorrection"], what: "loss.klBiasCorrection", got: "true with klPlace: reward, where nothing is differentiated", expected: "klPlace: loss beside it", fix: "Take one of the two out" });
  }
  if (loss.renormalize && rollout && rollout.repetitionPenalty !== 1) {
    problems.push({
      path: ["loss", "renormalize"],
      what: "loss.renormalize",
      got: `true with rollout.repetitionPenalty ${rollout.repetitionPenalty}, which cannot be part of it`,
      expected: "rollout.repetitionPenalty: 1 beside it",
      fix: "Take one of the two out",
    });
  }
  const rows = rollout && section ? section.batchSize * rollout.numGenerations : Infinity;
  if (loss.miniBatches > rows) {
    problems.push({ path: ["loss", "miniBatches"], what: "loss.miniBatches", got: String(loss.miniBatches), expected: `at most the ${rows} rows of a batch` });
  }
  return problems;
}

/** KL is taken off a row's score and its tokens' rewards: a part that reads each reward by itself would not see it. */
function penaltyProblems({ entry: { kind, name, needs } }: UsedEntry, { loss }: Partial<ResolvedConfig>): NeedProblem[] {
  if (!needs.perRewardScores || !loss || loss.klPlace !== "reward" || loss.klCoef === 0) return [];
  return [{ path: ["loss", "klPlace"], what: "loss.klPlace", got: `reward beside ${kindLabels[kind]} ${name}, which reads each reward by itself and sees no KL there`, expected: "klPlace: loss" }];
}

/** Keys that only mean something with evaluation rows. */
function evaluationProblems({ data, trainer }: Partial<ResolvedConfig>): NeedProblem[] {
  if (!data || !trainer || data.eval !== undefined) return [];
  const idle: [path: string[], value: unknown][] = [
    [["trainer", "evalEvery"], trainer.evalEvery || undefined],
    [["trainer", "keepBest"], trainer.keepBest?.metric],
    [["data", "maxEvalSamples"], data.maxEvalSamples],
  ];
  return idle
    .filter(([, value]) => value !== undefined)
    .map(([path, value]) => ({
      path,
      what: path.join("."),
      got: `${String(value)} without evaluation rows`,
      expected: "`data.eval` beside it",
      fix: "Set data.eval or take this key out",
    }));
}
