import { tf } from "../tf.js";
import type { WebgpuBackend } from "./gpu-types.js";

/** A kernel's call, its backend and attributes in the types that kernels here are written in. */
export interface Call<Attributes = object> {
  readonly inputs: Readonly<Record<string, tf.TensorInfo>>;
  readonly backend: WebgpuBackend;
  readonly attrs: Attributes;
}

type Run<Attributes> = (call: Call<Attributes>) => tf.TensorInfo;

/** Puts a kernel of ours in the place of the one that ships, which it may call. */
export function wrapKernel<Attributes>(kernelName: string, make: (plain: Run<Attributes>) => Run<Attributes>): void {
  const plain = tf.getKernel(kernelName, "webgpu");
  tf.unregisterKernel(kernelName, "webgpu");
  tf.registerKernel({ ...plain, kernelFunc: make(plain.kernelFunc as unknown as Run<Attributes>) as unknown as tf.KernelFunc });
}

/** Another shape of the same numbers, as an input: it owns nothing. */
export const viewAs = (x: tf.TensorInfo, shape: number[]): tf.TensorInfo => ({ ...x, shape });

export const sizeOf = ({ shape }: tf.TensorInfo): number => tf.util.sizeFromShape(shape);

/** A tensor of zeros. */
export function zeros(backend: WebgpuBackend, shape: number[], dtype: tf.DataType): tf.TensorInfo {
  const { kernelFunc } = tf.getKernel("Fill", "webgpu");
  return kernelFunc({ inputs: {}, backend, attrs: { shape, value: 0, dtype } }) as tf.TensorInfo;
}
