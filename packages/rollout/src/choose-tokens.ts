import { isNative, tf } from "@verlet/backend";
import type { SamplingOptions } from "@verlet/core";
import type { Choice } from "./choice.js";
import { chooseOnBackend } from "./choose-on-backend.js";
import { chooseOnHost } from "./choose-on-host.js";

/**
 * One token a row from logits [B, V], by inverting the cumulative distribution at `uniforms[row]`. Runs on the backend; the
 * host takes the repetition penalty, the filters where they are no faster elsewhere, and what the backend leaves open.
 * @param contexts the ids present in each row, for the repetition penalty
 */
export function chooseTokens(logits: tf.Tensor2D, options: SamplingOptions, uniforms: Float64Array, contexts: readonly (readonly number[])[]): Choice {
  const { topK, topP, minP, repetitionPenalty } = options;
  const filtered = topK > 0 || topP < 1 || minP > 0;
  if (repetitionPenalty !== 1 || (filtered && !isNative())) return chooseOnHost(logits, options, uniforms, contexts);
  const { choice, open } = chooseOnBackend(logits, options, uniforms);
  if (open.length > 0) settle(choice, open, logits, options, uniforms);
  return choice;
}

/** Takes the open rows' choices from the host. */
function settle(choice: Choice, open: readonly number[], logits: tf.Tensor2D, options: SamplingOptions, uniforms: Float64Array): void {
  const rows = tf.tidy(() => tf.gather(logits, tf.tensor1d([...open], "int32")));
  const { ids, logProbs } = chooseOnHost(rows, options, Float64Array.from(open, (row) => uniforms[row]!), []);
  rows.dispose();
  open.forEach((row, i) => {
    choice.ids[row] = ids[i]!;
    choice.logProbs[row] = logProbs[i]!;
  });
}
