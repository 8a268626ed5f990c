import { tf } from "@verlet/backend";

/** exp(log p − log p_old) with the exponent clamped to ±20, as verl does against overflow; [B, C]. */
export function policyRatio(logProbs: tf.Tensor2D, oldLogProbs: tf.Tensor2D): tf.Tensor2D {
  return tf.exp(tf.clipByValue(tf.sub(logProbs, oldLogProbs), -20, 20));
}
