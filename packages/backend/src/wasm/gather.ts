import { tf } from "../tf.js";
import { numbersOf, type WasmBackend } from "./wasm-backend.js";

/**
 * Slices of x by index along one axis. Slices are copied whole, where the kernel that ships finds the place of every
 * single number anew.
 */
function gatherV2({ inputs, backend, attrs }: Parameters<tf.KernelFunc>[0]): tf.TensorInfo {
  const wasm = backend as unknown as WasmBackend;
  const x = inputs["x"]!;
  const indices = inputs["indices"]!;
  const { axis, batchDims } = attrs as unknown as { axis: number; batchDims: number };
  const [positive] = tf.util.parseAxisParam(axis, x.shape);
  const { batchSize, outerSize, dimSize, sliceSize, outputShape } = tf.backend_util.segment_util.collectGatherOpShapeInfo(
    x as tf.Tensor,
    indices as tf.Tensor,
    positive!,
    batchDims,
  );
  const out = wasm.makeOutput(outputShape, x.dtype);
  const from = numbersOf(wasm, x);
  const to = numbersOf(wasm, out);
  const chosen = numbersOf(wasm, indices);
  const count = batchSize === 0 ? 0 : chosen.length / batchSize;
  let end = 0;
  for (let batch = 0; batch < batchSize; batch++) {
    for (let outer = 0; outer < outerSize; outer++) {
      const start = (batch * outerSize + outer) * dimSize;
      for (let i = 0; i < count; i++, end += sliceSize) {
        const index = chosen[batch * count + i]!;
        if (!(index >= 0 && index < dimSize)) throw new RangeError(`gather: index ${index} at ${i} is not in [0, ${dimSize})`);
        const first = (start + index) * sliceSize;
        if (sliceSize === 1) to[end] = from[first]!;
        else to.set(from.subarray(first, first + sliceSize), end);
      }
    }
  }
  return out;
}

export const gatherKernel: tf.KernelConfig = { kernelName: "GatherV2", backendName: "wasm", kernelFunc: gatherV2 };
