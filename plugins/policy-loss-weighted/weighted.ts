import { fusedOp, tf } from "@verlet/backend";
import type { PolicyLossInput } from "@verlet/core";

/**
 * −A·weight·log p, [B, C]: a policy gradient whose tokens are weighted by a plain number.
 * @param weight computes it off the tape, [B, C] or [B, 1]
 */
export function weightedPolicyGradient(weight: () => tf.Tensor2D, { logProbs, advantages }: PolicyLossInput): tf.Tensor2D {
  const plain = fusedOp<tf.Tensor2D>([], weight, () => []);
  return tf.mul(tf.mul(tf.neg(advantages), plain), logProbs);
}
