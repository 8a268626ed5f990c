import { loadPlugins, verlTableText, type BackendName, type LoadedConfig } from "@verlet/config";
import { INTERRUPTED_EXIT_CODE } from "@verlet/manager";
import { RLTrainingManager } from "@verlet/verl";
import type { JsonFlag } from "../options.js";
import { note, print, printJson } from "../output.js";
import { UsageError } from "../report-error.js";

export interface VerlFlags extends JsonFlag {
  config?: string;
  algorithm?: string;
  dataPath?: string;
  outputDir?: string;
  coreAlgos?: string;
  coreFunction?: string;
  plugins?: string[];
  translate?: boolean;
  backend?: BackendName;
}

export async function verl(overrides: readonly string[], flags: VerlFlags): Promise<void> {
  const { config, algorithm, dataPath, outputDir, coreAlgos, coreFunction, plugins = [], backend, json = false } = flags;
  const paths = { ...(dataPath !== undefined && { dataPath }), ...(outputDir !== undefined && { outputDir }) };
  if (config === undefined && overrides.length === 0) throw new UsageError("nothing to train; give --config <yaml>, or VERL's keys as key=value pairs");
  await loadPlugins(plugins, process.cwd());
  const manager = new RLTrainingManager({
    config: config ?? { actor_rollout_ref: {} },
    ...(algorithm !== undefined && { algorithmType: algorithm }),
    ...(coreAlgos !== undefined && { coreAlgosModule: coreAlgos }),
    ...(coreFunction !== undefined && { coreAlgosFunction: coreFunction }),
    manager: { overrides: backend === undefined ? overrides : [...overrides, `backend=${backend}`], json },
  });
  if (flags.translate) return translate(await manager.resolve(paths), json);
  try {
    const { interrupted } = await manager.train(paths);
    if (interrupted) process.exitCode = INTERRUPTED_EXIT_CODE;
  } finally {
    await manager.dispose();
  }
}

/** The YAML goes to standard output, so that it can be kept as a file. */
function translate({ translation, yaml }: LoadedConfig, json: boolean): void {
  if (json) {
    printJson({ keys: translation?.keys ?? [], notes: translation?.notes ?? [], yaml: yaml() });
    return;
  }
  note(translation ? verlTableText(translation) : "the file is in verlet's own shape");
  print(yaml().trimEnd());
}
