import type { tf } from "../tf.js";
import { wrapKernel } from "./wrap-kernel.js";

/**
 * A sum of many tensors, in portions: the kernel that ships binds all of them at once, and a device allows for some ten
 * (WebGPU grants eight).
 */
export const wrapAddN = (): void =>
  wrapKernel("AddN", (plain) => (call) => {
    const { backend } = call;
    const atOnce = backend.device.limits["maxStorageBuffersPerShaderStage"]! - 1; // one is the output
    const all = Object.values(call.inputs);
    const add = (tensors: tf.TensorInfo[]): tf.TensorInfo => plain({ ...call, inputs: tensors as unknown as Record<string, tf.TensorInfo> });
    let sum = add(all.slice(0, atOnce));
    for (let next = atOnce; next < all.length; next += atOnce - 1) {
      const more = add([sum, ...all.slice(next, next + atOnce - 1)]);
      backend.disposeData(sum.dataId);
      sum = more;
    }
    return sum;
  });
