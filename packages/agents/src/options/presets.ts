/** What a preset's YAML says of its algorithm. */
import { findPreset as findYaml, listPresets, loadBuiltins } from "@verlet/config";
import { parse } from "yaml";

export { loadBuiltins };

export interface PresetFacts {
  /** The registered algorithm it runs on. */
  readonly algorithm: string;
  readonly hasRewards: boolean;
}

export const presetNamesOf = (): string[] => listPresets().map(({ name }) => name);

export function findPreset(name: string): PresetFacts | undefined {
  const preset = findYaml(name);
  if (!preset) return undefined;
  const { algorithm, rewards, verifier } = parse(preset.yaml) as { algorithm: string | { name: string }; rewards?: unknown; verifier?: unknown };
  return { algorithm: typeof algorithm === "string" ? algorithm : algorithm.name, hasRewards: (rewards ?? verifier) !== undefined };
}
