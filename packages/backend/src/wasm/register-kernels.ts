import { tf } from "../tf.js";
import { batchMatMulKernel } from "./batch-mat-mul.js";
import { unsortedSegmentSumKernel } from "./unsorted-segment-sum.js";
import { wasmBackend } from "./wasm-backend.js";

let registered = false;

/** Makes the WebAssembly backend, which must be the one in use, fit to train. Once is enough. */
export function registerWasmKernels(): void {
  if (registered) return;
  registered = true;
  tf.registerKernel(unsortedSegmentSumKernel);
  const plain = tf.getKernel("BatchMatMul", "wasm");
  tf.unregisterKernel("BatchMatMul", "wasm");
  tf.registerKernel(batchMatMulKernel(wasmBackend(), plain));
}
