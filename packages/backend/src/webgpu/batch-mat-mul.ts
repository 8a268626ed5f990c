import { tf } from "../tf.js";
import { wrapKernel } from "./wrap-kernel.js";

/**
 * Batched products whose leading axes are broadcast other than from the left. The kernel that ships takes matrix k of the
 * larger batch with matrix k mod n of the smaller, which is broadcasting where the smaller batch is the tail of the
 * larger one; here the operands are repeated first where it is not.
 */
export const wrapBatchMatMul = (): void =>
  wrapKernel<{ transposeA: boolean; transposeB: boolean }>("BatchMatMul", (plain) => (call) => {
    const a = call.inputs["a"]!;
    const b = call.inputs["b"]!;
    const [outerA, outerB] = [a, b].map(({ shape }) => shape.slice(0, -2)) as [number[], number[]];
    if (isTail(outerA, outerB) || isTail(outerB, outerA)) return plain(call);
    const outer = tf.broadcast_util.assertAndGetBroadcastShape(outerA, outerB);
    const repeated = [a, b].map((x) => repeat(call.backend as unknown as tf.KernelBackend, x, outer));
    const product = plain({ ...call, inputs: { a: repeated[0]!, b: repeated[1]! } });
    for (const { dataId } of repeated) call.backend.disposeData(dataId);
    return product;
  });

/** Whether `small`, its leading ones aside, is the tail of `large`. */
function isTail(small: readonly number[], large: readonly number[]): boolean {
  const first = small.findIndex((size) => size !== 1);
  const tail = first < 0 ? [] : small.slice(first);
  return tail.length <= large.length && tail.every((size, i) => size === large[large.length - tail.length + i]);
}

/** [...outer of x, M, N] → [...outer, M, N] */
function repeat(backend: tf.KernelBackend, x: tf.TensorInfo, outer: readonly number[]): tf.TensorInfo {
  const shape = [...Array<number>(outer.length + 2 - x.shape.length).fill(1), ...x.shape];
  const reps = shape.map((size, i) => (i < outer.length && size === 1 ? outer[i]! : 1));
  return tf.getKernel("Tile", "webgpu").kernelFunc({ inputs: { x: { ...x, shape } }, backend, attrs: { reps } }) as tf.TensorInfo;
}
