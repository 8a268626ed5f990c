import { tf } from "../tf.js";
import { blocksAlong, copyBlocks } from "./copy-blocks.js";
import { numbersOf, type WasmBackend } from "./wasm-backend.js";

/** A tensor cut along one axis, each piece copied in blocks; the kernel that ships finds the place of every number anew. */
export function splitKernel(plain: tf.KernelConfig): tf.KernelConfig {
  const kernelFunc: tf.KernelFunc = (call) => {
    const x = call.inputs["x"]!;
    if (x.dtype === "string") return plain.kernelFunc(call);
    const backend = call.backend as unknown as WasmBackend;
    const attrs = call.attrs as unknown as { axis: number; numOrSizeSplits: number | number[] };
    const axis = tf.util.parseAxisParam(attrs.axis, x.shape)[0]!;
    const sizes = tf.backend_util.prepareSplitSize(x as tf.Tensor, attrs.numOrSizeSplits, axis);
    const { outer, inner } = blocksAlong(x.shape, axis);
    const pieces = sizes.map((size) => backend.makeOutput(x.shape.map((length, i) => (i === axis ? size : length)), x.dtype));
    const numbers = numbersOf(backend, x); // after the outputs: making them may have moved the memory
    const stride = x.shape[axis]! * inner;
    let start = 0;
    pieces.forEach((piece, i) => {
      const length = sizes[i]! * inner;
      copyBlocks({ numbers, start, stride }, { numbers: numbersOf(backend, piece), start: 0, stride: length }, outer, length);
      start += length;
    });
    return pieces;
  };
  return { ...plain, kernelFunc };
}
