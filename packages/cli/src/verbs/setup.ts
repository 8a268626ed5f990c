import { setupNative } from "@verlet/backend";
import type { JsonFlag } from "../options.js";
import { print, printJson } from "../output.js";

export interface SetupFlags extends JsonFlag {
  gpu?: boolean;
  cpu?: boolean;
  force?: boolean;
}

/** Progress goes to standard error. */
export async function setup({ gpu, cpu, force = false, json }: SetupFlags): Promise<void> {
  const kind = gpu ? { gpu: true } : cpu ? { gpu: false } : {};
  const result = await setupNative({ ...kind, force });
  if (json) printJson(result);
  else print(`backend native: TensorFlow ${result.tensorflow} (${result.kind}) in ${result.folder}`);
}
