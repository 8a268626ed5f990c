/** Ops of the native backend that the tfjs API does not offer, run by name. */
import { tf } from "../tf.js";

/** What the addon hands out beside its methods. */
export type NativeBinding = Record<string, number> & { verletKernels?: boolean; verletProducts?: boolean; verletBfloat16Products?: boolean };

interface NativeBackend {
  executeSingleOutput(name: string, attrs: OpAttribute[], inputs: tf.Tensor[]): tf.Tensor;
  executeMultipleOutputs(name: string, attrs: OpAttribute[], inputs: tf.Tensor[], outputs: number): tf.Tensor[];
  binding: NativeBinding;
  isUsingGpuDevice: boolean;
}

interface OpAttribute {
  name: string;
  type: number;
  value: unknown;
}

export interface RawAttributes {
  /** Type attributes: `T`, `Tindices` … */
  types?: Record<string, "float32" | "int32">;
  ints?: Record<string, number>;
  floats?: Record<string, number>;
  bools?: Record<string, boolean>;
  strings?: Record<string, string>;
  shapes?: Record<string, number[]>;
  /** How many tensors come out, 1 unless told. */
  outputs?: number;
}

const typeNumbers = { float32: 1, int32: 3 } as const; // TF_FLOAT, TF_INT32

/** True where libtensorflow runs the ops, so that `rawOp` can be used. */
export const isNative = (): boolean => tf.getBackend() === "tensorflow";

/** True where libtensorflow computes on a GPU. */
export const isNativeGpu = (): boolean => isNative() && (tf.backend() as unknown as NativeBackend).isUsingGpuDevice;

/** True where verlet's own ops are there (packages/backend/native/kernels): on a processor, with the addon that `verlet setup` builds. */
export const hasKernels = (): boolean => isNative() && !isNativeGpu() && (tf.backend() as unknown as NativeBackend).binding.verletKernels === true;

/**
 * Runs a TensorFlow op by its name on the native backend. The outputs are plain tensors without a gradient: use it
 * inside a fused op.
 */
export function rawOp(name: string, inputs: tf.Tensor[], { types, ints, floats, bools, strings, shapes, outputs = 1 }: RawAttributes = {}): tf.Tensor[] {
  const native = tf.backend() as unknown as NativeBackend;
  const attrs: OpAttribute[] = [];
  const add = (values: Record<string, unknown> | undefined, kind: string): void => {
    for (const key in values) attrs.push({ name: key, type: native.binding[kind]!, value: values[key] });
  };
  for (const key in types) attrs.push({ name: key, type: native.binding["TF_ATTR_TYPE"]!, value: typeNumbers[types[key]!] });
  add(ints, "TF_ATTR_INT");
  add(floats, "TF_ATTR_FLOAT");
  add(bools, "TF_ATTR_BOOL");
  add(strings, "TF_ATTR_STRING");
  add(shapes, "TF_ATTR_SHAPE");
  return outputs === 1 ? [native.executeSingleOutput(name, attrs, inputs)] : native.executeMultipleOutputs(name, attrs, inputs, outputs);
}
