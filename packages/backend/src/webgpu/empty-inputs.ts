import { tf } from "../tf.js";
import { sizeOf, wrapKernel, zeros } from "./wrap-kernel.js";

/** Sums over nothing are zeros; the kernels that ship divide by the number of their inputs. */
export function wrapEmptyInputs(): void {
  wrapKernel<{ axis: number | number[] | null; keepDims?: boolean }>("Sum", (plain) => (call) => {
    const x = call.inputs["x"]!;
    if (sizeOf(x) > 0) return plain(call);
    const { axis, keepDims } = call.attrs;
    const axes = tf.util.parseAxisParam(axis ?? [...x.shape.keys()], x.shape);
    const shape = keepDims ? x.shape.map((size, i) => (axes.includes(i) ? 1 : size)) : x.shape.filter((_, i) => !axes.includes(i));
    return zeros(call.backend, shape, tf.sumOutType(x.dtype));
  });
  wrapKernel<{ numSegments: number }>("UnsortedSegmentSum", (plain) => (call) => {
    const x = call.inputs["x"]!;
    if (sizeOf(x) > 0) return plain(call);
    return zeros(call.backend, [call.attrs.numSegments, ...x.shape.slice(call.inputs["segmentIds"]!.shape.length)], x.dtype);
  });
}
