/** `config:` of a stage: a verlet configuration, by its file or written out (`extends:` takes a file and changes it). */
import { dirname, isAbsolute, join } from "node:path";
import { ConfigError, z, type DataSource, type Json } from "@verlet/core";
import type { LoadedConfig, ResolvedConfig } from "@verlet/config";
import { entryOf, expandShorthand, mergeNodes, resolveNode, type Mapping, type Node } from "@verlet/config/nodes";
import { isHub, listSources, parseSource } from "@verlet/data";
import { configValues } from "@verlet/manager";
import type { StageSetup } from "./stage-kind.js";

export const configSchema = z
  .union([z.string().min(1), z.record(z.string(), z.unknown())])
  .describe("A YAML of `verlet train`, or its keys; `extends` in it starts at the pipeline's file.");

/** Keys of `trainer` that the pipeline sets. */
const OWN_KEYS = ["outputDir", "resume"] as const;

/**
 * The configuration of a stage: the file it extends, under the pipeline's `config`, under its own keys.
 * @throws ConfigError with everything that is wrong in it.
 */
export async function readStageConfig({ name, folder, node, common }: StageSetup): Promise<LoadedConfig> {
  const written = asConfig(entryOf(node, "config")!.node);
  refuseOwnKeys(name, folder, written);
  if (common) refuseOwnKeys("each stage", dirname(folder), common);
  const whole = (common ? mergeNodes(expandShorthand(common), expandShorthand(written)) : written) as Mapping;
  const keys = { trainer: { outputDir: folder, resume: "auto" } };
  return resolveNode({ ...whole, place: written.place }, { script: { name: `stage ${name}`, keys } });
}

/** A file's name as the mapping that extends it. */
export function asConfig(node: Node): Mapping {
  if (node.type === "mapping") return node;
  return { type: "mapping", place: node.place, entries: new Map([["extends", { place: node.place, node }]]) };
}

function refuseOwnKeys(name: string, folder: string, config: Mapping): void {
  const trainer = entryOf(config, "trainer")?.node;
  const written = trainer?.type === "mapping" ? OWN_KEYS.flatMap((key) => entryOf(trainer, key) ?? []) : [];
  if (written.length === 0) return;
  const what = `the pipeline says itself where ${name} writes and how it goes on`;
  throw new ConfigError(written.map(({ place: { where } }) => ({ where, what, got: "it written here", expected: `nothing: the folder is ${folder}`, fix: "Take it out" })));
}

/** Keys that change nothing in what is learnt, nor in what is measured but for rounding. */
const IDLE: Readonly<Record<string, readonly string[]>> = {
  trainer: ["outputDir", "resume", "loggers", "saveEvery", "keepLast", "keepBest", "evalEvery", "rolloutsEvery", "microBatchSize", "memoryCheck"],
};

/** What decides a training's result. */
export function trainSettings(loaded: LoadedConfig): Json {
  const { backend: _, ...values } = configValues(loaded) as Record<string, Json>;
  return without(values, IDLE);
}

const MEASURED = ["algorithm", "plugins", "model", "data", "rollout", "rewards", "verifier", "rewardManager"];

/** What decides a measurement's result. */
export function evaluateSettings(loaded: LoadedConfig): Json {
  const values = Object.entries(configValues(loaded) as Record<string, Json>).filter(([key]) => MEASURED.includes(key));
  const seed = loaded.config.trainer.seed; // of random weights
  return without({ ...Object.fromEntries(values), trainer: { seed } }, { data: ["train", "maxSamples", "shuffle"] });
}

/** The values less some keys of some sections. */
function without(values: Record<string, Json>, left: Readonly<Record<string, readonly string[]>>): Json {
  return Object.fromEntries(
    Object.entries(values).map(([key, value]) => {
      const out = left[key];
      return [key, out ? Object.fromEntries(Object.entries(value as Record<string, Json>).filter(([name]) => !out.includes(name))) : value];
    }),
  );
}

/** The model's folders, the files of the data sets, and those of the user's own parts. */
export function filesOf({ model, plugins, rewards, advantage }: ResolvedConfig, ...data: readonly (DataSource | undefined)[]): string[] {
  const modules = [...plugins.filter(isAbsolute), ...rewards.flatMap(({ module }) => module ?? []), ...(advantage.module === undefined ? [] : [advantage.module])];
  return [model.path, ...(model.adapter === undefined ? [] : [model.adapter]), ...data.flatMap((source) => (source === undefined ? [] : dataFiles(source))), ...modules];
}

/** Paths of a data set's files; a data set of the hub has none. */
export function dataFiles(source: DataSource): string[] {
  return listSources(source).map((one) => parseSource(one).path).filter((path) => !isHub(path));
}

/** Where the weights of a model's folder, or of an adapter's, stand. */
export function modelFiles(folder: string, adapter: boolean): string[] {
  return (adapter ? ["adapter_config.json", "adapter_model.safetensors"] : ["config.json", "model.safetensors"]).map((name) => join(folder, name));
}
