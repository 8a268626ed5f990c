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

/**
 * One token a row, by inverting the cumulative distribution of what the filters keep.
 * @param logits [B, V], V up to 2²⁴
 * @param uniforms [B], in [0, 1)
 * @returns ids, log-probs, and 1 for each row left open because top-p parts equal logits, [3, B]
 */
export function chooseRows(logits: tf.Tensor2D, uniforms: Float32Array, { temperature, topK, topP, minP }: ChoiceFilters): tf.Tensor2D {
  return tf.tidy(() => rawOp("VerletChoose", [logits, tf.tensor1d(uniforms), tf.tensor1d([temperature, topK, topP, minP])])[0] as tf.Tensor2D);
}
