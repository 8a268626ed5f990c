import { fusedOp, tf } from "@verlet/backend";

/**
 * −y·log σ(x) − (1 − y)·log(1 − σ(x)) without overflow, as max(x, 0) − x·y + log(1 + e^−|x|); its gradient is σ(x) − y.
 * torch takes σ first and so loses small probabilities below 1e-7.
 * @param logits [N], differentiable · @param outcomes [N], in [0, 1] · @returns [N]
 */
export function binaryCrossEntropy(logits: tf.Tensor1D, outcomes: tf.Tensor1D): tf.Tensor1D {
  return fusedOp<tf.Tensor1D>(
    [logits],
    (save) => {
      save([logits, outcomes]);
      const tail = tf.log(tf.add(tf.exp(tf.neg(tf.abs(logits))), 1));
      return tf.add(tf.sub(tf.relu(logits), tf.mul(logits, outcomes)), tail);
    },
    (dy, [x, y]) => [() => tf.mul(dy, tf.sub(tf.sigmoid(x!), y!))],
  );
}
