/** Ops of the native backend that the tfjs API does not offer, run by name. */
import { tf } from "../tf.js";

/** What the addon hands out beside its methods. */
export type NativeBinding = Record<string, number> & { verletKernels?: boolean; verletProducts?: boolean; verletBfloat16Products?: boolean };

interface NativeBackend {
  executeSingleOutput(name: string, attrs: readonly OpAttribute[], inputs: tf.Tensor[]): tf.Tensor;
  executeMultipleOutputs(name: string, attrs: readonly OpAttribute[], inputs: tf.Tensor[], outputs: number): tf.Tensor[];
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

/** Attributes in the addon's form, the same list for every op that is given them. */
export class ListedAttributes {
  readonly outputs: number;
  readonly #given: RawAttributes;
  #list: readonly OpAttribute[] | undefined;

  constructor(given: RawAttributes) {
    this.#given = given;
    this.outputs = given.outputs ?? 1;
  }

  /** Made when the addon, which knows the kinds' numbers, is there. */
  listFor(binding: NativeBinding): readonly OpAttribute[] {
    return (this.#list ??= listed(this.#given, binding));
  }
}

/** For an op that is run again and again with the same attributes: made once, they are also told from others at a glance. */
export const attributesOf = (given: RawAttributes): ListedAttributes => new ListedAttributes(given);

function listed({ types, ints, floats, bools, strings, shapes }: RawAttributes, binding: NativeBinding): readonly OpAttribute[] {
  const list: OpAttribute[] = [];
  const add = (values: Record<string, unknown> | undefined, kind: string): void => {
    for (const key in values) list.push({ name: key, type: binding[kind]!, value: values[key] });
  };
  for (const key in types) list.push({ name: key, type: binding["TF_ATTR_TYPE"]!, value: typeNumbers[types[key]!] });
  add(ints, "TF_ATTR_INT");
  add(floats, "TF_ATTR_FLOAT");
  add(bools, "TF_ATTR_BOOL");
  add(strings, "TF_ATTR_STRING");
  add(shapes, "TF_ATTR_SHAPE");
  return list;
}

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
export function rawOp(name: string, inputs: tf.Tensor[], attributes: RawAttributes | ListedAttributes = none): tf.Tensor[] {
  const native = tf.backend() as unknown as NativeBackend;
  const list = attributes instanceof ListedAttributes ? attributes.listFor(native.binding) : listed(attributes, native.binding);
  const { outputs = 1 } = attributes;
  return outputs === 1 ? [native.executeSingleOutput(name, list, inputs)] : native.executeMultipleOutputs(name, list, inputs, outputs);
}

const none = attributesOf({});
