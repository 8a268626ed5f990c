import { CONFIG, createComponent, createRunContainer, type TrainingManager } from "@verlet/core";
import { loadConfig, resolveConfig, type LoadOptions } from "@verlet/config";
import { LOADED_CONFIG, MANAGER_OPTIONS, type ManagerOptions } from "./manager-options.js";
import { DEFAULT_MANAGER } from "./training-manager.js";

/**
 * The manager of one configuration. Nothing is loaded yet but plugins: the model comes with the first call that needs it.
 * @param source the path of a YAML file, or the same as an object; either may be in VERL's shape.
 * @throws ConfigError with all problems of the configuration at once.
 */
export async function createManager(source: string | Readonly<Record<string, unknown>>, options: ManagerOptions = {}): Promise<TrainingManager> {
  const { overrides = [], script } = options;
  const load: LoadOptions = { overrides, ...(script && { script }) };
  const loaded = typeof source === "string" ? await loadConfig(source, load) : await resolveConfig(source, load);
  const container = createRunContainer();
  container.register(CONFIG, { useValue: loaded.config });
  container.register(LOADED_CONFIG, { useValue: loaded });
  container.register(MANAGER_OPTIONS, { useValue: options });
  return createComponent("trainingManager", DEFAULT_MANAGER, {}, container);
}
