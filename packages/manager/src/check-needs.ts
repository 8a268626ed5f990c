import { ConfigError, kindLabels, registry, type ErrorParts, type Kind, type Provision, type RegistryEntry } from "@verlet/core";
import type { ResolvedConfig } from "@verlet/config";

/** The registry's entries of the parts that this run uses, its algorithm first. */
export function usedEntries(config: ResolvedConfig): RegistryEntry[] {
  const trainer = registry.get("trainer", config.algorithm.name);
  const find = (kind: Kind, name: string): RegistryEntry[] => (name ? [registry.get(kind, name)] : []);
  const uses = (section: (typeof trainer.uses)[number]): boolean => trainer.uses.includes(section);
  return [
    trainer,
    ...(uses("rewards") ? [...config.rewards.flatMap(({ name }) => find("reward", name)), ...find("rewardManager", config.rewardManager.name)] : []),
    ...(uses("advantage") ? find("advantage", config.advantage.name) : []),
    ...(uses("loss") ? find("policyLoss", config.loss.name) : []),
  ];
}

const provisions: Readonly<Record<Provision, string>> = {
  critic: "values from a critic",
  greedyBaseline: "the score of each prompt's greedy completion",
  perRewardScores: "each reward's own scores",
};

/** Checks before step 0 that every part gets what it needs. @throws ConfigError with all that is missing. */
export function checkNeeds(config: ResolvedConfig): void {
  const [trainer, ...parts] = usedEntries(config) as [RegistryEntry<"trainer">, ...RegistryEntry[]];
  const problems: ErrorParts[] = [];
  for (const { kind, name, needs } of [trainer, ...parts]) {
    const where = `${kindLabels[kind]} ${name}`;
    const size = config.rollout.numGenerations;
    if (needs.leastGroupSize !== undefined && size < needs.leastGroupSize) {
      problems.push({
        where,
        what: "the groups are too small for it",
        got: `rollout.numGenerations ${size}`,
        expected: `at least ${needs.leastGroupSize}`,
        fix: `Set rollout.numGenerations to ${needs.leastGroupSize} or more`,
      });
    }
    for (const provision of Object.keys(provisions) as Provision[]) {
      if (!needs[provision] || trainer.provides.includes(provision)) continue;
      problems.push({ where, what: `it needs ${provisions[provision]}, which algorithm ${trainer.name} does not provide`, fix: `Choose another ${kindLabels[kind]} or algorithm` });
    }
  }
  problems.push(...evaluationProblems(config));
  if (problems.length > 0) throw new ConfigError(problems);
}

function evaluationProblems({ data, trainer }: ResolvedConfig): ErrorParts[] {
  const { keepBest, evalEvery } = trainer;
  const noData = { got: "no data.eval", expected: "rows to evaluate on" };
  const problems: ErrorParts[] = [];
  if (evalEvery > 0 && data.eval === undefined) {
    problems.push({ where: "trainer.evalEvery", what: "there is nothing to evaluate", ...noData, fix: "Set data.eval, or trainer.evalEvery to 0" });
  }
  if (keepBest && data.eval === undefined) {
    problems.push({ where: "trainer.keepBest", what: "there is nothing to be best at", ...noData, fix: "Set data.eval, or leave trainer.keepBest out" });
  } else if (keepBest && !keepBest.metric.startsWith("eval/")) {
    problems.push({ where: "trainer.keepBest.metric", what: "not an evaluation metric", got: keepBest.metric, expected: `a name such as eval/${keepBest.metric}` });
  }
  return problems;
}

/** True when some part of the run needs a frozen reference model. */
export function needsReference(config: ResolvedConfig): boolean {
  const entries = usedEntries(config);
  const penalised = (entries[0] as RegistryEntry<"trainer">).uses.includes("loss") && config.loss.klCoef > 0;
  return penalised || entries.some(({ needs }) => needs.reference);
}
