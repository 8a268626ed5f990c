import { setupNative, setupWebgpu } from "@verlet/backend";
import type { JsonFlag } from "../options.js";
import { print, printJson } from "../output.js";

export interface SetupFlags extends JsonFlag {
  gpu?: boolean;
  cpu?: boolean;
  webgpu?: boolean;
  force?: boolean;
}

/** Progress goes to standard error. */
export const setup = ({ gpu, cpu, webgpu, force = false, json = false }: SetupFlags): Promise<void> =>
  webgpu ? webgpuSetup(force, json) : nativeSetup(gpu ? { gpu: true } : cpu ? { gpu: false } : {}, force, json);

async function nativeSetup(kind: { gpu?: boolean }, force: boolean, json: boolean): Promise<void> {
  const result = await setupNative({ ...kind, force });
  if (json) printJson(result);
  else print(`backend native: TensorFlow ${result.tensorflow} (${result.kind}) in ${result.folder}`);
}

async function webgpuSetup(force: boolean, json: boolean): Promise<void> {
  const result = await setupWebgpu({ force });
  if (json) printJson(result);
  else print(`backend webgpu: Dawn (webgpu ${result.version}) in ${result.folder}; ${result.adapter ? `computes on ${result.adapter.name}` : "it finds no GPU here"}`);
}
