/** The choice of tokens as one op of verlet's own, packages/backend/native/kernels/choice.cc. Where `hasKernels` says so. */
import { tf } from "../tf.js";
import { rawOp } from "./raw-op.js";

/** As the rollout's section has them: 0 turns top-k and min-p off, 1 top-p; temperature 0 takes the best token. */
export interface ChoiceFilters {
  temperature: number;
  topK: number;
  topP: number;
  minP: number;
}

/** The largest float32 under 1: a number that rounds up to 1 would draw the last token, however unlikely. */
const BELOW_ONE = 1 - 2 ** -24;

/**
 * One token a row, by inverting the cumulative distribution of what the filters keep.
 * @param logits [B, V], V up to 2²⁴
 * @param uniforms [B], in [0, 1)
 * @returns ids, log-probs, and 1 for each row left open because top-p parts equal logits, [3, B]
 */
export function chooseRows(logits: tf.Tensor2D, uniforms: ArrayLike<number>, { temperature, topK, topP, minP }: ChoiceFilters): tf.Tensor2D {
  return tf.tidy(() => {
    const numbers = tf.tensor1d(Float32Array.from(uniforms, (u) => Math.min(u, BELOW_ONE)));
    return rawOp("VerletChoose", [logits, numbers, tf.tensor1d([temperature, topK, topP, minP])])[0] as tf.Tensor2D;
  });
}
