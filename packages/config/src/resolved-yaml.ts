/** The text of config.resolved.yaml: every value of a run, in the shape that is read. */
import type { RegistryEntry } from "@verlet/core";
import { stringify } from "yaml";
import type { Preset } from "./presets.js";
import type { ComponentChoice, ResolvedConfig, RewardChoice } from "./types.js";

const flat = ({ options, name, ...rest }: ComponentChoice): Record<string, unknown> => ({ name, ...rest, ...options });

/** A reward from a module is named by that, not by the name it got when it was loaded. */
function rewardSection({ name, module, function: fn, ...rest }: RewardChoice): Record<string, unknown> {
  return module === undefined ? { name, ...rest } : { module, function: fn, ...rest };
}

/** The rewards, and the verifier apart, as they are read. */
function rewardSections({ rewards, verifier, rewardManager }: ResolvedConfig): Record<string, unknown> {
  const listed = rewards.filter(({ name }) => name !== verifier).map(rewardSection);
  const own = rewards.find(({ name }) => name === verifier);
  return { ...(listed.length > 0 && { rewards: listed }), ...(own && { verifier: rewardSection(own) }), rewardManager: flat(rewardManager) };
}

/** Sections that the algorithm does not use are left out: writing them is an error. */
export function resolvedYaml(config: ResolvedConfig, { uses }: Pick<RegistryEntry<"trainer">, "uses">, preset?: Preset): string {
  const { algorithm, plugins, model, data, rollout, advantage, loss, optimizer, trainer, backend } = config;
  const { module, function: fn, name, options } = advantage;
  const advantageSection = module === undefined ? { name, ...options } : { module, function: fn, ...options };
  const sections: Record<string, unknown> = {
    algorithm: flat(algorithm),
    plugins,
    model,
    data,
    ...(uses.includes("rollout") && { rollout }),
    ...(uses.includes("rewards") && rewardSections(config)),
    ...(uses.includes("advantage") && { advantage: advantageSection }),
    ...(uses.includes("loss") && { loss: flat(loss) }),
    optimizer,
    trainer: { ...trainer, loggers: trainer.loggers.map(flat) },
    backend,
  };
  const heading = preset ? `# algorithm: ${preset.name} (a preset), with its keys written out\n` : "";
  return heading + stringify(sections, { lineWidth: 0, keepUndefined: false, aliasDuplicateObjects: false });
}
