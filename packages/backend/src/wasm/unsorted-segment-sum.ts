import { tf } from "../tf.js";
import { numbersOf, type WasmBackend } from "./wasm-backend.js";

/**
 * Σ of the rows of x that share a segment id; the gradient of a gather. The WebAssembly backend ships without it.
 * Rows with a negative id belong to no segment, as in TensorFlow.
 * @param x [...ids.shape, ...rest]
 * @returns [numSegments, ...rest]
 */
function unsortedSegmentSum({ inputs, backend, attrs }: Parameters<tf.KernelFunc>[0]): tf.TensorInfo {
  const wasm = backend as unknown as WasmBackend;
  const x = inputs["x"]!;
  const segmentIds = inputs["segmentIds"]!;
  const numSegments = attrs!["numSegments"] as number;
  const rest = x.shape.slice(segmentIds.shape.length);
  const width = tf.util.sizeFromShape(rest);
  const out = wasm.makeOutput([numSegments, ...rest], x.dtype);
  const sums = numbersOf(wasm, out);
  const values = numbersOf(wasm, x);
  sums.fill(0);
  numbersOf(wasm, segmentIds).forEach((segment, row) => {
    if (segment < 0) return;
    if (segment >= numSegments) throw new RangeError(`unsortedSegmentSum: segment id ${segment} at ${row} is not below ${numSegments}`);
    const from = row * width;
    const to = segment * width;
    for (let i = 0; i < width; i++) sums[to + i]! += values[from + i]!;
  });
  return out;
}

export const unsortedSegmentSumKernel: tf.KernelConfig = {
  kernelName: "UnsortedSegmentSum",
  backendName: "wasm",
  kernelFunc: unsortedSegmentSum,
};
