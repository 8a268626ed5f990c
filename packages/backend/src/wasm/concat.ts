import { tf } from "../tf.js";
import { blocksAlong, copyBlocks } from "./copy-blocks.js";
import { numbersOf, type WasmBackend } from "./wasm-backend.js";

/**
 * Tensors side by side along one axis, copied within the WebAssembly memory; the kernel that ships first copies every
 * input out of it. `plain` takes what this one does not: strings.
 */
export function concatKernel(plain: tf.KernelConfig): tf.KernelConfig {
  const kernelFunc: tf.KernelFunc = (call) => {
    const parts = call.inputs as unknown as tf.TensorInfo[];
    const [first] = parts;
    if (!first || first.dtype === "string") return plain.kernelFunc(call);
    const backend = call.backend as unknown as WasmBackend;
    const axis = tf.util.parseAxisParam((call.attrs as unknown as { axis: number }).axis, first.shape)[0]!;
    tf.backend_util.assertParamsConsistent(parts.map(({ shape }) => shape), axis);
    const { outer, inner } = blocksAlong(first.shape, axis);
    const shape = [...first.shape];
    shape[axis] = parts.reduce((sum, part) => sum + part.shape[axis]!, 0);

    const out = backend.makeOutput(shape, first.dtype);
    const numbers = numbersOf(backend, out);
    const stride = shape[axis]! * inner;
    let start = 0;
    for (const part of parts) {
      const length = part.shape[axis]! * inner;
      copyBlocks({ numbers: numbersOf(backend, part), start: 0, stride: length }, { numbers, start, stride }, outer, length);
      start += length;
    }
    return out;
  };
  return { ...plain, kernelFunc };
}
