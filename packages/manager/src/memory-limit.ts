import { totalmem } from "node:os";
import { activeBackend, isNativeGpu } from "@verlet/backend";

/** Bytes that this process may have: the machine's, or what a container leaves it. No limit is known where a GPU's memory is used. */
export function memoryLimit(): number {
  if (isNativeGpu() || activeBackend()?.name === "webgpu") return Infinity;
  return Math.min(totalmem(), process.constrainedMemory() || Infinity);
}
