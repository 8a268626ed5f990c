/** A model by its folder, with an adapter to make or to go on with. */
import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { ConfigError, ModelError } from "@verlet/core";
import { ADAPTER_CONFIG, howToGetFolder, readAdapterConfig } from "@verlet/model";

export interface LoraChoice {
  /** undefined: an adapter only where the folder is one. */
  useLora?: boolean | undefined;
  loraR?: number | undefined;
  loraAlpha?: number | undefined;
  loraDropout?: number | undefined;
  loraTargetModules?: "all-linear" | readonly string[] | undefined;
}

/** `model:` of verlet's configuration, as the user's would say it. */
export interface ModelKeys {
  path: string;
  adapter?: string;
  lora?: Record<string, unknown>;
}

/**
 * A folder that a run with LoRA left is its adapter: its base model is loaded with it, and training goes on with it.
 * @throws ModelError where the base is missing; ConfigError where other LoRA options are asked for than the adapter has.
 */
export async function modelKeys(folder: string, choice: LoraChoice = {}): Promise<ModelKeys> {
  if (!isAdapterFolder(folder)) return { path: folder, ...(choice.useLora && { lora: loraKeys(choice) }) };
  if (choice.useLora === false) {
    throw new ConfigError({ where: folder, what: "this is an adapter, which is trained as one", got: "use_lora: false", expected: "use_lora: true, or a whole model", fix: "Merge it first: verlet merge" });
  }
  const { base, lora } = await readAdapterConfig(folder);
  if (base === undefined || !existsSync(join(base, "config.json"))) {
    throw new ModelError({ where: join(folder, ADAPTER_CONFIG), what: "the adapter's base model is not here", got: base === undefined ? "no base_model_name_or_path" : `${base}, which is no model folder seen from ${resolve(".")}`, fix: "Run it where the base model lies" });
  }
  refuseOther(folder, loraKeys(choice), lora as unknown as Readonly<Record<string, unknown>>);
  return { path: base, adapter: folder };
}

/**
 * Said before anything else is read or fetched; the documents' names of models stand for downloads, and here for folders.
 * @throws ModelError where there is no such folder
 */
export function requireModelFolder(folder: string): void {
  if (existsSync(folder)) return;
  throw new ModelError({ where: folder, what: "no such model folder", got: resolve(folder), fix: howToGetFolder(folder, "Check the path; it starts where the program is run") });
}

export function isAdapterFolder(folder: string): boolean {
  return existsSync(join(folder, ADAPTER_CONFIG)) && !existsSync(join(folder, "config.json"));
}

function loraKeys({ loraR, loraAlpha, loraDropout, loraTargetModules }: LoraChoice): Record<string, unknown> {
  const keys = { r: loraR, alpha: loraAlpha, dropout: loraDropout, targetModules: loraTargetModules };
  return Object.fromEntries(Object.entries(keys).filter(([, value]) => value !== undefined));
}

/** An adapter keeps its shape when it is trained on. */
function refuseOther(folder: string, asked: Readonly<Record<string, unknown>>, own: Readonly<Record<string, unknown>>): void {
  const other = Object.entries(asked).filter(([key, value]) => JSON.stringify(sorted(value)) !== JSON.stringify(sorted(own[key])));
  if (other.length === 0) return;
  throw new ConfigError(
    other.map(([key, value]) => ({ where: folder, what: `the adapter there was made with another ${key}`, got: String(value), expected: String(own[key]), fix: "Leave it out to go on with that adapter, or merge it first: verlet merge" })),
  );
}

const sorted = (value: unknown): unknown => (Array.isArray(value) ? [...(value as unknown[])].sort() : value);
