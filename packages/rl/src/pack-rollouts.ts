import type { ScoredRollout, TokenBatch } from "@verlet/core";

/** One sampled batch on the host, right-padded; micro-batches are cut from it. */
export interface PackedRollouts {
  tokens: TokenBatch;
  /** [B], tokens of each prompt. */
  promptLengths: Int32Array;
  /** C, the longest completion. */
  completionWidth: number;
  /** [B, C], 1 on every completion token. */
  completionMask: Float32Array;
  /** [B, C], 1 on every token in the loss: scored rows, and without cut-off rows when those are masked. */
  mask: Float32Array;
  /** [B, C], log-probs as sampled. */
  sampledLogProbs: Float32Array;
}

/** @param maskTruncated leaves rows that ran into the length limit out of the loss. */
export function packRollouts(rollouts: readonly ScoredRollout[], padId: number, maskTruncated: boolean): PackedRollouts {
  const rows = rollouts.length;
  const lengths = Int32Array.from(rollouts, ({ prompt, completionIds }) => prompt.ids.length + completionIds.length);
  const width = Math.max(...lengths);
  const completionWidth = Math.max(...rollouts.map(({ completionIds }) => completionIds.length));
  const packed: PackedRollouts = {
    tokens: { ids: new Int32Array(rows * width).fill(padId), lengths, rows, width },
    promptLengths: Int32Array.from(rollouts, ({ prompt }) => prompt.ids.length),
    completionWidth,
    completionMask: new Float32Array(rows * completionWidth),
    mask: new Float32Array(rows * completionWidth),
    sampledLogProbs: new Float32Array(rows * completionWidth),
  };
  rollouts.forEach(({ prompt, completionIds, logProbs, score, finished }, row) => {
    packed.tokens.ids.set(prompt.ids, row * width);
    packed.tokens.ids.set(completionIds, row * width + prompt.ids.length);
    const start = row * completionWidth;
    const end = start + completionIds.length;
    packed.completionMask.fill(1, start, end);
    packed.sampledLogProbs.set(logProbs, start);
    if (score !== null && (finished || !maskTruncated)) packed.mask.fill(1, start, end);
  });
  return packed;
}
