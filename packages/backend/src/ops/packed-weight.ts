/** Products with a weight that stays as it is for many products of few rows, as in decoding. */
import { tf } from "../tf.js";
import type { ComputeDtype } from "./multiply.js";
import { rawChain, type RawOps } from "./raw-chain.js";
import { isNative, rawOp } from "./raw-op.js";

/**
 * A weight [out, in] laid out for such products: transposed, [in, out], or in panels of 32 outputs, [out / 32, in, 32]. One
 * of the two forms is there.
 */
export interface PackedWeight {
  /** In float32. */
  full?: tf.Tensor;
  /** In bfloat16, two numbers in the place of one float32. */
  half?: tf.Tensor;
}

/**
 * Outputs of a panel. A processor reads a panel from one stretch of memory, where a row of a wide weight is spread over many:
 * at 8 rows a product takes half as long as with the matrix transposed, at 64 as long (measured with 32 and with 64).
 */
const PANEL = 32;

/**
 * @param weight [out, in]
 * @param options.parts what the outputs will be split into: no panel reaches across
 * @param options.dtype bfloat16 needs the native backend
 */
export function packWeight(weight: tf.Tensor2D, { parts = 1, dtype = "float32" }: { parts?: number; dtype?: ComputeDtype } = {}): PackedWeight {
  return tf.tidy(() => {
    const [out, width] = weight.shape;
    const panels = onProcessor() && out % (PANEL * parts) === 0;
    const full = panels ? tf.transpose(tf.reshape(weight, [-1, PANEL, width]), [0, 2, 1]) : tf.transpose(weight);
    return dtype === "float32" || out % 2 !== 0 ? { full } : { half: halve(full) };
  }) as PackedWeight;
}

/**
 * x·Wᵀ as the weight's form gives it: [N, out], or in panels [out / 32, N, 32]; `joinPanels` makes the one of the other.
 * @param x [N, in]
 */
export function packedProduct(x: tf.Tensor2D, { full, half }: PackedWeight): tf.Tensor {
  const left = (full ?? half!).rank === 3 ? tf.reshape(x, [1, -1, x.shape[1]]) : x;
  if (half) return halfProduct(left, half);
  return left.rank === 3 ? rawOp("BatchMatMulV2", [left, full!], { types: { T: "float32" } })[0]! : tf.matMul(left as tf.Tensor2D, full as tf.Tensor2D);
}

/** [N, out] of a product or of anything computed from it number by number. */
export function joinPanels(y: tf.Tensor): tf.Tensor2D {
  return y.rank === 2 ? (y as tf.Tensor2D) : tf.reshape(tf.transpose(y, [1, 0, 2]), [-1, y.shape[0]! * PANEL]);
}

/** The axis of a product that counts outputs. */
export const outputAxis = (y: tf.Tensor): number => (y.rank === 2 ? 1 : 0);

/** Native without a GPU, whose own products of whole matrices are the faster ones. */
const onProcessor = (): boolean => isNative() && !(tf.backend() as unknown as { isUsingGpuDevice: boolean }).isUsingGpuDevice;

/** [..., n] → [..., n / 2] */
function halve(x: tf.Tensor): tf.Tensor {
  const pairs = tf.reshape(x, [...x.shape.slice(0, -1), -1, 2]);
  return rawChain(({ of, cast, bitcast }) => bitcast(cast(of(pairs), "bfloat16"), "float32"));
}

/** Operands and result rounded to bfloat16, the sums in float32, as `multiply` does under that format. */
function halfProduct(x: tf.Tensor, half: tf.Tensor): tf.Tensor {
  const shape = [...half.shape.slice(0, -1), 2 * half.shape[half.rank - 1]!];
  return rawChain((ops: RawOps) => {
    const weight = ops.reshape(ops.bitcast(ops.of(half), "bfloat16"), shape);
    return ops.cast(ops.product(ops.cast(ops.of(x), "bfloat16"), weight), "float32");
  });
}
