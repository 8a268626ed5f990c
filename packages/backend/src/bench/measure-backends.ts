import { backendOrder, isUnavailable, type PassedOver } from "../candidates/candidate.js";
import { openBackend } from "../select-backend.js";
import { measureMatmul } from "./measure-matmul.js";
import { measureStep } from "./measure-step.js";

/** A backend's figures. */
export interface Figures {
  readonly name: string;
  readonly device: string;
  /** What a GPU grants, e.g. `maxBufferSize` in bytes; on webgpu. */
  readonly limits?: Readonly<Record<string, number>>;
  /** A float32 product of two size×size matrices. */
  readonly matmul: { readonly size: number; readonly gflops: number };
  /** One training step of a small model (0.4 M weights, 128 tokens), in milliseconds. */
  readonly stepMs: number;
}

/** Its figures, or why a backend is not here and the command that would change it. */
export type Measured = Figures | PassedOver;

/** Each backend in turn, those asked for by name alone included; the last one stays in use. */
export async function measureBackends(): Promise<Measured[]> {
  const all: Measured[] = [];
  for (const name of backendOrder) {
    const opened = await openBackend(name);
    if (isUnavailable(opened)) all.push(opened);
    else all.push({ name, device: opened.device, ...(opened.limits && { limits: opened.limits }), matmul: await measureMatmul(), stepMs: await measureStep() });
  }
  return all;
}
