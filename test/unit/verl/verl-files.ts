/** Small files in VERL's shape, and what becomes of them. */
import { resolveConfig, type LoadedConfig } from "@verlet/config";
import { ConfigError } from "@verlet/core";

/** The least that VERL's shape needs; everything else is verl's default. */
export const smallest = `data: { train_files: ./train.jsonl }
actor_rollout_ref:
  model: { path: ./model }
  rollout: { n: 4 }
algorithm: { adv_estimator: grpo }
`;

/** Reads the text as the file verl.yaml, with overrides in VERL's keys or verlet's. */
export async function load(overrides: readonly string[] = [], text = smallest): Promise<LoadedConfig> {
  return resolveConfig(text, { overrides, name: "verl.yaml" });
}

/** The problems of a file, a line each. */
export async function problems(overrides: readonly string[] = [], text = smallest): Promise<string[]> {
  try {
    await load(overrides, text);
  } catch (error) {
    if (error instanceof ConfigError) return error.message.split("\n");
    throw error;
  }
  return [];
}

/** A value of the resolved configuration; options of a part stand beside its name, as in a YAML. */
export function valueAt({ config }: LoadedConfig, path: string): unknown {
  return path.split(".").reduce<unknown>((at, key) => {
    const found = at as Record<string, unknown> | undefined;
    return found && (key in found ? found[key] : (found.options as Record<string, unknown> | undefined)?.[key]);
  }, config);
}

/** The notes that name a key. */
export function notesOn({ translation }: LoadedConfig, words: string): string[] {
  return translation!.notes.filter((note) => note.includes(words));
}
