import type { BackendName } from "@verlet/config";
import { createManager } from "@verlet/manager";
import type { JsonFlag } from "../options.js";

export interface TrainFlags extends JsonFlag {
  backend?: BackendName;
}

/** Exit status of a process that Ctrl+C ended, as shells know it. */
const INTERRUPTED = 130;

export async function train(yaml: string, overrides: readonly string[], { backend, json = false }: TrainFlags): Promise<void> {
  const all = backend === undefined ? overrides : [...overrides, `backend=${backend}`];
  const manager = await createManager(yaml, { overrides: all, json });
  try {
    const { interrupted } = await manager.train();
    if (interrupted) process.exitCode = INTERRUPTED;
  } finally {
    await manager.dispose();
  }
}
