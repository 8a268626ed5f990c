/** TensorFlow ops on number formats that tfjs does not know, below its tensors. On the native backend alone. */
import { tf } from "../tf.js";

/** TensorFlow's numbers of the formats. */
const typeNumbers = { float32: 1, int32: 3, uint8: 4, int8: 6, bfloat16: 14, uint16: 17, float16: 19 } as const;

export type RawType = keyof typeof typeNumbers;

/** A tensor of any format, known by its id alone. */
export interface RawTensor {
  readonly id: number;
  readonly type: RawType;
}

interface NativeBackend {
  binding: {
    TF_ATTR_TYPE: number;
    TF_ATTR_BOOL: number;
    TF_ATTR_INT: number;
    createTensor(shape: number[], type: number, values: unknown): number;
    executeOp(name: string, attributes: object[], inputs: number[], outputs: number): { id: number; shape: number[]; dtype: number }[];
    deleteTensor(id: number): void;
  };
  getInputTensorIds(tensors: readonly tf.Tensor[]): number[];
  createOutputTensor(metadata: object): tf.Tensor;
}

/** The ops of a chain. */
export interface RawOps {
  of(tensor: tf.Tensor): RawTensor;
  /** A view of bytes that stay as they are until the chain ends. */
  bytes(data: Uint8Array, shape: number[]): RawTensor;
  /** The same bits as another format; where the widths differ the last axis is split or joined. */
  bitcast(x: RawTensor, type: RawType): RawTensor;
  /** The same numbers in another format, rounded to nearest even. */
  cast(x: RawTensor, type: RawType): RawTensor;
  /** Elements of a table along its first axis. @param indices int32 */
  gather(table: RawTensor, indices: RawTensor): RawTensor;
  /** In memory of its own. */
  copy(x: RawTensor): RawTensor;
  reshape(x: RawTensor, shape: number[]): RawTensor;
  /** a·bᵀ over the last two axes. */
  product(a: RawTensor, b: RawTensor): RawTensor;
}

/** Runs a chain of raw ops and frees all but its result, which must be of a format that tfjs knows. */
export function rawChain(build: (ops: RawOps) => RawTensor): tf.Tensor {
  const backend = tf.backend() as unknown as NativeBackend;
  const { binding } = backend;
  const made = new Map<number, object>();
  const borrowed: tf.Tensor[] = [];
  const type = (name: string, value: RawType): object => ({ name, type: binding.TF_ATTR_TYPE, value: typeNumbers[value] });
  const run = (name: string, attributes: object[], inputs: RawTensor[], result: RawType): RawTensor => {
    const [output] = binding.executeOp(name, attributes, inputs.map(({ id }) => id), 1);
    made.set(output!.id, output!);
    return { id: output!.id, type: result };
  };
  const of = (tensor: tf.Tensor): RawTensor => ({ id: backend.getInputTensorIds([tensor])[0]!, type: tensor.dtype as RawType });
  const ops: RawOps = {
    of,
    bytes: (data, shape) => {
      const id = binding.createTensor(shape, typeNumbers.uint8, data);
      made.set(id, {});
      return { id, type: "uint8" };
    },
    bitcast: (x, to) => run("Bitcast", [type("T", x.type), type("type", to)], [x], to),
    cast: (x, to) => run("Cast", [type("SrcT", x.type), type("DstT", to), { name: "Truncate", type: binding.TF_ATTR_BOOL, value: false }], [x], to),
    gather: (table, indices) => {
      const axis = tf.scalar(0, "int32");
      borrowed.push(axis);
      const attributes = [{ name: "batch_dims", type: binding.TF_ATTR_INT, value: 0 }, type("Tparams", table.type), type("Tindices", "int32"), type("Taxis", "int32")];
      return run("GatherV2", attributes, [table, indices, of(axis)], table.type);
    },
    copy: (x) => run("DeepCopy", [type("T", x.type)], [x], x.type),
    reshape: (x, shape) => {
      const to = tf.tensor1d(shape, "int32");
      borrowed.push(to);
      return run("Reshape", [type("T", x.type), type("Tshape", "int32")], [x, of(to)], x.type);
    },
    product: (a, b) => run("BatchMatMulV2", [type("T", a.type), { name: "adj_y", type: binding.TF_ATTR_BOOL, value: true }], [a, b], a.type),
  };
  try {
    const { id } = build(ops);
    const output = made.get(id)!;
    made.delete(id);
    return backend.createOutputTensor(output);
  } finally {
    for (const id of made.keys()) binding.deleteTensor(id);
    tf.dispose(borrowed);
  }
}
