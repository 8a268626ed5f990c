import { CONFIG, createRunContainer, registry, TOKENIZER } from "@verlet/core";
import { selectBackend } from "@verlet/backend";
import { checkParts, type LoadedConfig } from "@verlet/config";
import { countSteps } from "./build-run.js";
import { describePlan, type PlannedRun } from "./describe-plan.js";
import type { PlanEvent } from "./json-events.js";
import { plannedMemory } from "./memory-text.js";
import { huggingFaceFolder } from "./model-source.js";
import { prepareTraining } from "./prepare-training.js";
import { configValues } from "./run-config.js";
import { runMemory, type RunShape } from "./run-memory.js";

export interface RunPlan {
  /** As a run prints it before its first step. */
  text: string;
  /** The same for programs. */
  event: PlanEvent;
  shape: RunShape;
}

/**
 * The plan of a run from its config, its rows, and its model's config and tokenizer; no weight is read, nothing written.
 * @param log takes what is said of the rows
 */
export async function planRun(loaded: LoadedConfig, log: (line: string) => void): Promise<RunPlan> {
  const { config } = loaded;
  checkParts(config);
  const backend = await selectBackend(config.backend);
  const [tokenizer, model] = await Promise.all([huggingFaceFolder.loadTokenizer(config.model), huggingFaceFolder.shapeOf!(config.model)]);
  const container = createRunContainer();
  container.register(CONFIG, { useValue: config });
  container.register(TOKENIZER, { useValue: tokenizer });
  const { kept, longest } = await prepareTraining(container, tokenizer, config, log);
  const { companions = {} } = registry.get("trainer", config.algorithm.name);
  const shape: RunShape = { config, model, longest, companions };
  const memory = runMemory(shape);
  const totalSteps = countSteps(config, kept.length);
  const planned: PlannedRun = {
    totalSteps,
    rows: kept.length,
    trained: memory.trained,
    companions: Object.entries(companions).map(([name, kind]) => ({ name, kind, trained: memory.companions[name]!.trained })),
    shape,
  };
  return {
    text: describePlan(loaded, backend, planned),
    event: { config: configValues(loaded), translation: loaded.translation, backend: backend.name, totalSteps, memory: plannedMemory(shape) },
    shape,
  };
}
