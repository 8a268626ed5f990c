import type { BackendName } from "@verlet/config";
import { createManager, INTERRUPTED_EXIT_CODE } from "@verlet/manager";
import type { JsonFlag } from "../options.js";

export interface TrainFlags extends JsonFlag {
  backend?: BackendName;
}

export async function train(yaml: string, overrides: readonly string[], { backend, json = false }: TrainFlags): Promise<void> {
  const all = backend === undefined ? overrides : [...overrides, `backend=${backend}`];
  const manager = await createManager(yaml, { overrides: all, json });
  try {
    const { interrupted } = await manager.train();
    if (interrupted) process.exitCode = INTERRUPTED_EXIT_CODE;
  } finally {
    await manager.dispose();
  }
}
