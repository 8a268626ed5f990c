/** How a YAML names a part, with its options at their defaults. */
import type { Kind, RegistryEntry } from "@verlet/core";
import { explainEntry } from "@verlet/config";
import { stringify } from "yaml";

type Values = Record<string, unknown>;

/** Each kind's place in the YAML. */
const places: Readonly<Record<Kind, (name: string, options: Values, entry: RegistryEntry) => Values | undefined>> = {
  trainer: (name, options, { uses, defaults }) => ({
    algorithm: named(name, options),
    model: { path: "./model" },
    data: { train: "./train.jsonl" },
    ...(uses.includes("rewards") && { rewards: ["accuracy"] }),
    ...defaults,
  }),
  reward: (name, options) => ({ rewards: [Object.keys(options).length > 0 ? { name, weight: 1, options } : { name, weight: 1 }] }),
  rewardManager: (name, options) => ({ rewardManager: named(name, options) }),
  advantage: (name, options) => ({ advantage: named(name, options) }),
  policyLoss: (name, options) => ({ loss: { name, ...options } }),
  logger: (name, options) => ({ trainer: { loggers: [named(name, options)] } }),
  // Chosen by the model's config.json, by the file's name, and by createManager.
  model: () => undefined,
  dataset: () => undefined,
  trainingManager: () => undefined,
};

/** Undefined for a kind that no YAML names. */
export function exampleYaml(entry: RegistryEntry): string | undefined {
  const values = places[entry.kind](entry.name, exampleOptions(entry), entry);
  return values && stringify(values).trimEnd();
}

function named(name: string, options: Values): unknown {
  return Object.keys(options).length > 0 ? { name, ...options } : name;
}

/** Defaults, and a stand-in such as `<string>` for what must be given. */
function exampleOptions(entry: RegistryEntry): Values {
  const values: Values = {};
  for (const { option, type, default: value } of explainEntry(entry)) {
    if (value === "optional") continue;
    const groups = option.split(".");
    const key = groups.pop()!;
    const group = groups.reduce((inner, name) => (inner[name] ??= {}) as Values, values);
    group[key] = value === "required" ? `<${type}>` : JSON.parse(value);
  }
  return values;
}
