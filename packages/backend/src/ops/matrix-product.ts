/** Matrix products by verlet's own kernel (packages/backend/native/kernels/product.cc). Where `hasKernels` says so. */
import { tf } from "../tf.js";
import type { FrozenWeight } from "./frozen/frozen-weight.js";
import type { ComputeDtype } from "./multiply.js";
import { attributesOf, hasKernels, rawOp, type ListedAttributes, type NativeBinding } from "./raw-op.js";

/** A matrix, or one of bfloat16 with two numbers in the place of one float32: [rows, columns / 2]. */
export type Factor = tf.Tensor2D | { pairs: tf.Tensor2D };

export interface ProductOptions {
  dtype: ComputeDtype;
  transposeA?: boolean;
  transposeB?: boolean;
  /** Added to the product; may be written into where nothing else needs it. */
  before?: tf.Tensor2D | undefined;
}

/** True where products by this kernel are as fast as TensorFlow's or faster: AVX-512, and for bfloat16 its BF16 without AMX. */
export function hasProducts(dtype: ComputeDtype): boolean {
  if (!hasKernels()) return false;
  const { binding } = tf.backend() as unknown as { binding: NativeBinding };
  return (dtype === "bfloat16" ? binding.verletBfloat16Products : binding.verletProducts) === true;
}

/** Whether whole matrices are multiplied by this kernel rather than by TensorFlow's: in bfloat16, whose casts it saves. In float32 the two are as fast. */
export const takesProducts = (dtype: ComputeDtype): boolean => dtype === "bfloat16" && hasProducts(dtype);

/** What a product reads of a weight: bfloat16 as it lies. */
export const factorOf = (weight: tf.Tensor2D | FrozenWeight): Factor => (weight instanceof tf.Tensor ? weight : weight.pairs ? { pairs: weight.pairs } : weight.dense());

/** [before +] a·b: [N, K] · [K, M] → [N, M]. In bfloat16 the factors are rounded; products are added up in float32, and the sum is not rounded. */
export function matrixProduct(a: tf.Tensor2D, b: Factor, { dtype, transposeA = false, transposeB = false, before }: ProductOptions): tf.Tensor2D {
  const halves = !(b instanceof tf.Tensor);
  const attributes = productAttributes({ sums: before ? 1 : 0, transposeA, transposeB, rounded: dtype === "bfloat16", halves });
  return rawOp("VerletProduct", [...(before ? [before] : []), a, halves ? b.pairs : b], attributes)[0] as tf.Tensor2D;
}

interface ProductWishes {
  sums: 0 | 1;
  transposeA: boolean;
  transposeB: boolean;
  rounded: boolean;
  halves: boolean;
}

const known: ListedAttributes[] = [];

/** The same for all products of one kind. */
function productAttributes({ sums, transposeA, transposeB, rounded, halves }: ProductWishes): ListedAttributes {
  const kind = sums + 2 * Number(transposeA) + 4 * Number(transposeB) + 8 * Number(rounded) + 16 * Number(halves);
  return (known[kind] ??= attributesOf({ ints: { sums }, bools: { transpose_a: transposeA, transpose_b: transposeB, rounded, halves } }));
}
