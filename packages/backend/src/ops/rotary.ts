import { tf } from "../tf.js";
import { fusedOp } from "./fused-op.js";

/** cos and sin of each position's angles, as `rotary` takes them. */
export interface RotaryTable {
  /** [1 or B, T, 1, D] */
  cos: tf.Tensor4D;
  /** [1 or B, T, 1, D], the first half negated: y = x·cos + swap(x)·signedSin. */
  signedSin: tf.Tensor4D;
}

/** Exchanges the two halves of the last axis. */
function swapHalves<T extends tf.Tensor>(x: T): T {
  const [first, second] = tf.split(x, 2, -1);
  return tf.concat([second!, first!], -1) as unknown as T;
}

/**
 * Rotary position embedding (Su et al. 2021) with Hugging Face's pairing (i, i + D/2).
 * The transpose of y = x·cos + swap(x)·s is dx = dy·cos + swap(dy·s).
 * @param x [B, T, heads, D]
 * @returns [B, T, heads, D]
 */
export function rotary(x: tf.Tensor4D, { cos, signedSin }: RotaryTable): tf.Tensor4D {
  return fusedOp(
    [x],
    (save) => {
      save([cos, signedSin]);
      return tf.add(tf.mul(x, cos), tf.mul(swapHalves(x), signedSin)) as tf.Tensor4D;
    },
    (dy, [savedCos, savedSin]) => [() => tf.add(tf.mul(dy, savedCos!), swapHalves(tf.mul(dy, savedSin!)))],
  );
}
