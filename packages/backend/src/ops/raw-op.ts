/** Ops of the native backend that the tfjs API does not offer, run by name. */
import { tf } from "../tf.js";

interface NativeBackend {
  executeSingleOutput(name: string, attrs: OpAttribute[], inputs: tf.Tensor[]): tf.Tensor;
  executeMultipleOutputs(name: string, attrs: OpAttribute[], inputs: tf.Tensor[], outputs: number): tf.Tensor[];
  binding: Record<string, number>;
}

interface OpAttribute {
  name: string;
  type: number;
  value: unknown;
}

/** True where libtensorflow runs the ops, so that `rawOp` can be used. */
export const isNative = (): boolean => tf.getBackend() === "tensorflow";

const DT_FLOAT = 1;
const DT_INT32 = 3;

const typeOf = (dtype: string): number => (dtype === "int32" ? DT_INT32 : DT_FLOAT);

/**
 * Runs a TensorFlow op by its name on the native backend. `types` sets type attributes (`T`, `Tindices` …).
 * The outputs are plain tensors without a gradient: use it inside a fused op.
 */
export function rawOp(
  name: string,
  inputs: tf.Tensor[],
  attributes: { types?: Record<string, string>; ints?: Record<string, number>; bools?: Record<string, boolean>; outputs?: number } = {},
): tf.Tensor[] {
  const native = tf.backend() as unknown as NativeBackend;
  const { binding } = native;
  const attrs: OpAttribute[] = [
    ...Object.entries(attributes.types ?? {}).map(([key, dtype]) => ({ name: key, type: binding["TF_ATTR_TYPE"]!, value: typeOf(dtype) })),
    ...Object.entries(attributes.ints ?? {}).map(([key, value]) => ({ name: key, type: binding["TF_ATTR_INT"]!, value })),
    ...Object.entries(attributes.bools ?? {}).map(([key, value]) => ({ name: key, type: binding["TF_ATTR_BOOL"]!, value })),
  ];
  const outputs = attributes.outputs ?? 1;
  return outputs === 1
    ? [native.executeSingleOutput(name, attrs, inputs)]
    : native.executeMultipleOutputs(name, attrs, inputs, outputs);
}
