import { loadConfig, type BackendName } from "@verlet/config";
import { checkMemory, createManager, INTERRUPTED_EXIT_CODE, JsonEvents, planRun } from "@verlet/manager";
import type { JsonFlag } from "../options.js";
import { print } from "../output.js";

export interface TrainFlags extends JsonFlag {
  backend?: BackendName;
  plan?: boolean;
}

export async function train(yaml: string, overrides: readonly string[], { backend, json = false, plan = false }: TrainFlags): Promise<void> {
  const all = backend === undefined ? overrides : [...overrides, `backend=${backend}`];
  if (plan) return showPlan(yaml, all, json);
  const manager = await createManager(yaml, { overrides: all, json });
  try {
    const { interrupted } = await manager.train();
    if (interrupted) process.exitCode = INTERRUPTED_EXIT_CODE;
  } finally {
    await manager.dispose();
  }
}

/** @throws TrainingError after the plan, where the run cannot fit */
async function showPlan(yaml: string, overrides: readonly string[], json: boolean): Promise<void> {
  const events = json ? new JsonEvents() : undefined;
  const log = (line: string): void => (events ? events.line(line) : print(line));
  const { text, event, shape } = await planRun(await loadConfig(yaml, overrides), log);
  if (events) events.plan(event);
  else print(text);
  checkMemory(shape, log);
}
