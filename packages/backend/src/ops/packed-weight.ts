/** Products with a weight that stays as it is for many products of few rows, as in decoding. */
import { tf } from "../tf.js";
import { bfloat16Pairs } from "./bfloat16-pairs.js";
import type { ComputeDtype } from "./multiply.js";
import { rawChain } from "./raw-chain.js";
import { hasKernels, isNative, isNativeGpu, rawOp } from "./raw-op.js";
import { scope } from "./scope.js";

/** A weight [out, in] laid out for such products. One of the two forms is there. */
export interface PackedWeight {
  /** float32, transposed [in, out], or in panels of 32 outputs [out / 32, in, 32] */
  full?: tf.Tensor;
  /** bfloat16, two numbers in the place of one float32: [out, in / 2], or in panels [out / 32, in, 16], number i beside i + 16 */
  half?: tf.Tensor;
}

/**
 * Outputs of a panel. A processor reads a panel from one stretch of memory, where the rows of a transposed weight lie far
 * apart: at 8 rows a product takes about half as long (oneDNN on AVX-512, panels of 32 to 64), from 64 rows on as long.
 */
const PANEL = 32;

/** Numbers above which a weight is laid out in panels for TensorFlow's products: a smaller one stays in a core's cache from product to product. */
const CACHED = 2 ** 18;

export interface PackOptions {
  /** What the outputs will be split into, 1 unless told: no panel reaches across. */
  parts?: number;
  /** bfloat16 needs the native backend. */
  dtype?: ComputeDtype;
  /** Weight of the norm before the product, [in]: it is multiplied in, and that norm's √in. */
  norm?: tf.Tensor1D;
  /** Of the first weight's outputs. */
  scale?: number;
}

/** @param weights [out, in], or several whose outputs follow each other */
export function packWeight(weights: tf.Tensor2D | readonly tf.Tensor2D[], options: PackOptions = {}): PackedWeight {
  const list = weights instanceof tf.Tensor ? [weights] : weights;
  const { parts = 1, dtype = "float32", norm, scale = 1 } = options;
  const out = list.reduce((sum, { shape }) => sum + shape[0], 0);
  if (!hasKernels() || out % (PANEL * parts) !== 0 || list.some(({ shape }) => shape[0] % PANEL !== 0)) return packComposed(list, options);
  const halves = dtype === "bfloat16";
  const packed = tf.tidy(() => rawOp("VerletPack", [...list, norm ?? tf.zeros([0])], { ints: { parts: list.length }, floats: { scale }, bools: { halves } })[0]!);
  return halves ? { half: packed } : { full: packed };
}

/** The same in plain ops. */
export function packComposed(weights: readonly tf.Tensor2D[], { parts = 1, dtype = "float32", norm, scale = 1 }: PackOptions): PackedWeight {
  const lay = (weight: tf.Tensor2D): PackedWeight => {
    const [out, width] = weight.shape;
    if (dtype === "bfloat16" && hasKernels() && out % (PANEL * parts) === 0) return { half: halvePanels(weight) };
    if (dtype === "bfloat16" && width % 2 === 0) return { half: halve(weight) };
    const panels = (hasKernels() || (onProcessor() && out * width > CACHED)) && out % (PANEL * parts) === 0;
    return { full: panels ? tf.transpose(tf.reshape(weight, [-1, PANEL, width]), [0, 2, 1]) : tf.transpose(weight) };
  };
  return scope(() => {
    const scaled = scale === 1 ? weights : [tf.mul<tf.Tensor2D>(weights[0]!, scale), ...weights.slice(1)];
    const whole = scaled.length === 1 ? scaled[0]! : tf.concat([...scaled]);
    return lay(norm ? tf.mul<tf.Tensor2D>(whole, tf.mul(norm, Math.sqrt(whole.shape[1]))) : whole);
  });
}

/** Numbers of x up to which verlet's own product is the faster one: it reads all of them for each panel. */
const READ_AGAIN = 2 ** 20;

/**
 * x·Wᵀ as the weight's form gives it: [N, out], or the outputs in panels of n, [out / n, N, n], which `joinPanels` makes the
 * one of the other.
 * @param x [N, in]
 */
export function packedProduct(x: tf.Tensor2D, { full, half }: PackedWeight): tf.Tensor {
  const panels = half?.rank === 3 ? half : full?.rank === 3 && hasKernels() && x.size <= READ_AGAIN ? full : undefined;
  if (panels) return rawOp("VerletPanelProduct", [x, panels])[0]!; // [N, out]
  if (half) return halfProduct(x, half as tf.Tensor2D);
  if (full!.rank === 2) return tf.matMul(x, full as tf.Tensor2D);
  return rawOp("BatchMatMulV2", [tf.reshape(x, [1, -1, x.shape[1]]), full!], { types: { T: "float32" } })[0]!; // [out / 32, N, 32]
}

/** [N, out] of a product, or of anything computed from it number by number. */
export function joinPanels(y: tf.Tensor): tf.Tensor2D {
  if (y.rank === 2) return y as tf.Tensor2D;
  const [panels, , width] = y.shape as [number, number, number];
  return tf.reshape(tf.transpose(y, [1, 0, 2]), [-1, panels * width]);
}

/** The axis of a product that counts outputs. */
export const outputAxis = (y: tf.Tensor): number => (y.rank === 2 ? 1 : 0);

/** Native without a GPU, whose own products of whole matrices are the faster ones. */
const onProcessor = (): boolean => isNative() && !isNativeGpu();

const halve = (weight: tf.Tensor2D): tf.Tensor => tf.tidy(() => bfloat16Pairs(tf.reshape(weight, [weight.shape[0], -1, 2])));

function halvePanels(weight: tf.Tensor2D): tf.Tensor {
  const [out, width] = weight.shape;
  return tf.tidy(() => bfloat16Pairs(tf.transpose(tf.reshape(weight, [out / PANEL, 2, PANEL / 2, width]), [0, 3, 2, 1]))); // of [out / 32, in, 16, 2]
}

/**
 * Operands and result rounded to bfloat16, the sums in float32, as `multiply` does in that format. On a processor as W·xᵀ,
 * [out, N]: oneDNN reorders the right-hand side of a product in bfloat16, and x is the smaller one.
 */
function halfProduct(x: tf.Tensor2D, half: tf.Tensor2D): tf.Tensor {
  const [out, width] = [half.shape[0], 2 * half.shape[1]];
  const turned = onProcessor();
  const y = rawChain(({ of, cast, bitcast, reshape, product }) => {
    const weight = reshape(bitcast(of(half), "bfloat16"), [out, width]);
    const rows = cast(of(x), "bfloat16");
    return cast(turned ? product(weight, rows) : product(rows, weight), "float32");
  });
  return turned ? tf.reshape(y, [out, -1, 1]) : y;
}
