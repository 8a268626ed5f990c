/** The text of config.resolved.yaml: every value of a run, in the shape that is read. */
import type { RegistryEntry } from "@verlet/core";
import { stringify } from "yaml";
import type { ComponentChoice, ResolvedConfig } from "./types.js";

const flat = ({ options, name, ...rest }: ComponentChoice): Record<string, unknown> => ({ name, ...rest, ...options });

/** Sections that the algorithm does not use are left out: writing them is an error. */
export function resolvedYaml(config: ResolvedConfig, { uses }: Pick<RegistryEntry<"trainer">, "uses">): string {
  const { algorithm, plugins, model, data, rollout, rewards, rewardManager, advantage, loss, optimizer, trainer, backend } = config;
  const { module, function: fn, name, options } = advantage;
  const advantageSection = module === undefined ? { name, ...options } : { module, function: fn, ...options };
  const sections: Record<string, unknown> = {
    algorithm: flat(algorithm),
    plugins,
    model,
    data,
    ...(uses.includes("rollout") && { rollout }),
    ...(uses.includes("rewards") && { rewards, rewardManager: flat(rewardManager) }),
    ...(uses.includes("advantage") && { advantage: advantageSection }),
    ...(uses.includes("loss") && { loss: flat(loss) }),
    optimizer,
    trainer: { ...trainer, loggers: trainer.loggers.map(flat) },
    backend,
  };
  return stringify(sections, { lineWidth: 0, keepUndefined: false, aliasDuplicateObjects: false });
}
