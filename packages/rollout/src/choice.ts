/** One token for each of B rows. */
export interface Choice {
  /** [B] */
  ids: Int32Array;
  /** [B], log p under the distribution the token was drawn from; for greedy, the filtered one at temperature 1. */
  logProbs: Float32Array;
}
