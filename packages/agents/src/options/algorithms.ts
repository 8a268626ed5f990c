/** Algorithms by name, as the tool and the wrappers see them, and the defaults that the documents give for some. */
import { findPreset, loadBuiltins, presetNamesOf } from "./presets.js";
import { registry, type OptionalSection } from "@verlet/core";

export interface Algorithm {
  readonly name: string;
  /** Which of rollout, rewards, advantage and loss it reads. */
  readonly uses: readonly OptionalSection[];
  /** Whether it names its rewards itself. */
  readonly ownRewards: boolean;
}

/** sft and grpo first, then every other one that is registered, then presets. */
export async function algorithmNames(): Promise<string[]> {
  await loadBuiltins();
  const documented = ["sft", "grpo"];
  return [...new Set([...documented, ...registry.names("trainer"), ...presetNamesOf()])];
}

/** The algorithm of that name, in capitals too; undefined where there is none. */
export async function findAlgorithm(name: string): Promise<Algorithm | undefined> {
  await loadBuiltins();
  return find(name) ?? find(name.toLowerCase());
}

function find(name: string): Algorithm | undefined {
  const preset = findPreset(name);
  const trainer = registry.find("trainer", preset?.algorithm ?? name);
  return trainer && { name, uses: trainer.uses, ownRewards: preset?.hasRewards ?? false };
}

/** Where an algorithm samples, a batch counts prompts; elsewhere rows. */
export const samples = ({ uses }: Algorithm): boolean => uses.includes("rollout");

/** Learning rates of the documents; what is not here takes the algorithm's own. */
export const documentedRates: Readonly<Record<string, number>> = { sft: 2e-5, grpo: 1e-5 };
export const DOCUMENTED_BATCH = { rows: 4, prompts: 2 } as const;
/** Above it small policies tend to collapse under RL: 57 % → 2 % at 5e-5 in a user's report on GSM8K. */
export const HIGHEST_RL_RATE = 1e-5;
