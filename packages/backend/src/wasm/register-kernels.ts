import { tf } from "../tf.js";
import { batchMatMulKernel } from "./batch-mat-mul.js";
import { concatKernel } from "./concat.js";
import { gatherKernel } from "./gather.js";
import { identityKernel } from "./identity.js";
import { splitKernel } from "./split.js";
import { unsortedSegmentSumKernel } from "./unsorted-segment-sum.js";
import { wasmBackend } from "./wasm-backend.js";

let registered = false;

/** Makes the WebAssembly backend, which must be the one in use, fit to train. Once is enough. */
export function registerWasmKernels(): void {
  if (registered) return;
  registered = true;
  tf.registerKernel(unsortedSegmentSumKernel);
  replace(gatherKernel);
  replace(identityKernel);
  replace(concatKernel(tf.getKernel("Concat", "wasm")));
  replace(splitKernel(tf.getKernel("SplitV", "wasm")));
  replace(batchMatMulKernel(wasmBackend(), tf.getKernel("BatchMatMul", "wasm")));
}

function replace(kernel: tf.KernelConfig): void {
  tf.unregisterKernel(kernel.kernelName, kernel.backendName);
  tf.registerKernel(kernel);
}
