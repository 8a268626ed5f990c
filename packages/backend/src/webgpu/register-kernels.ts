import { wrapAddN } from "./add-n.js";
import { wrapBatchMatMul } from "./batch-mat-mul.js";
import { wrapEmptyInputs } from "./empty-inputs.js";
import { wrapIntegerOps } from "./integer-ops.js";
import { wrapLog } from "./log.js";
import { wrapSelect } from "./select.js";

/** Fills in what TensorFlow.js's kernels for WebGPU leave out. Call it once, when they are registered. */
export function registerWebgpuKernels(): void {
  wrapAddN();
  wrapBatchMatMul();
  wrapEmptyInputs();
  wrapIntegerOps();
  wrapLog();
  wrapSelect();
}
