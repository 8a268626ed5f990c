/** Matrix products in the number format that a model computes in. */
import { ConfigError } from "@verlet/core";
import { tf } from "../tf.js";
import { matrixProduct, takesProducts } from "./matrix-product.js";
import { isNative } from "./raw-op.js";

/**
 * bfloat16 rounds the operands of each product to 8 bits and adds up in float32; TensorFlow's products round their results
 * as well, verlet's own do not. All else stays float32.
 */
export type ComputeDtype = "float32" | "bfloat16";

/** a·b over the last two axes, like `tf.matMul`; not differentiable, so it belongs inside fused ops. */
export type Multiply = <T extends tf.Tensor>(a: T, b: T, transposeA?: boolean, transposeB?: boolean) => T;

let active: ComputeDtype = "float32";

/**
 * Runs `compute` with the products of its fused ops, those of their gradients included, in the given format (as
 * `torch.autocast` does).
 */
export function computeIn<T>(dtype: ComputeDtype, compute: () => T): T {
  const before = active;
  active = dtype;
  try {
    return compute();
  } finally {
    active = before;
  }
}

/** The format in force now. */
export const computeDtype = (): ComputeDtype => active;

/** The product in the format in force now; a fused op takes it once and uses it in its gradient as well. */
export const multiplier = (): Multiply => (active === "float32" ? tf.matMul : takesProducts(active) ? ownProduct : multiplyBfloat16);

/** The product in the format in force now. */
export const multiply: Multiply = (a, b, transposeA = false, transposeB = false) => multiplier()(a, b, transposeA, transposeB);

/** Throws ConfigError where the backend in use cannot compute in the format. */
export function checkComputeDtype(dtype: ComputeDtype, where: string): void {
  if (dtype === "float32" || isNative()) return;
  throw new ConfigError({ where, what: "no such arithmetic on this backend", got: `${dtype} on ${tf.getBackend()}`, expected: "bfloat16 on native, or float32", fix: "Run `npx verlet setup` and choose `backend: native`, or leave the key out" });
}

/** The addon, below tfjs, which has no such type: raw ids, freed by hand. */
interface NativeBackend {
  binding: {
    TF_ATTR_TYPE: number;
    TF_ATTR_BOOL: number;
    executeOp(name: string, attributes: object[], inputs: number[], outputs: number): { id: number }[];
    deleteTensor(id: number): void;
  };
  getInputTensorIds(tensors: readonly tf.Tensor[]): number[];
  createOutputTensor(metadata: { id: number }): tf.Tensor;
}

const FLOAT = 1; // TF_FLOAT
const BFLOAT16 = 14; // TF_BFLOAT16

/** Matrices by verlet's own kernel, stacks of them by TensorFlow's. */
const ownProduct: Multiply = <T extends tf.Tensor>(a: T, b: T, transposeA = false, transposeB = false): T => {
  if (a.rank !== 2 || b.rank !== 2) return multiplyBfloat16(a, b, transposeA, transposeB);
  return matrixProduct(a as tf.Tensor as tf.Tensor2D, b as tf.Tensor as tf.Tensor2D, { dtype: "bfloat16", transposeA, transposeB }) as tf.Tensor as T;
};

function multiplyBfloat16<T extends tf.Tensor>(a: T, b: T, transposeA = false, transposeB = false): T {
  const backend = tf.backend() as unknown as NativeBackend;
  const { binding } = backend;
  const type = (name: string, value: number): object => ({ name, type: binding.TF_ATTR_TYPE, value });
  const flag = (name: string, value: boolean): object => ({ name, type: binding.TF_ATTR_BOOL, value });
  const run = (name: string, attributes: object[], inputs: number[]) => binding.executeOp(name, attributes, inputs, 1)[0]!;
  const cast = (id: number, from: number, to: number) => run("Cast", [type("SrcT", from), type("DstT", to), flag("Truncate", false)], [id]);
  const halves = backend.getInputTensorIds([a, b]).map((id) => cast(id, FLOAT, BFLOAT16).id);
  const product =
    a.rank === 2 && b.rank === 2
      ? run("MatMul", [type("T", BFLOAT16), flag("transpose_a", transposeA), flag("transpose_b", transposeB)], halves)
      : run("BatchMatMulV2", [type("T", BFLOAT16), flag("adj_x", transposeA), flag("adj_y", transposeB)], halves);
  const result = cast(product.id, BFLOAT16, FLOAT);
  [...halves, product.id].forEach((id) => binding.deleteTensor(id));
  return backend.createOutputTensor(result) as T;
}
