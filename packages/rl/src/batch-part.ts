import type { PolicyBatch } from "@verlet/core";
import { batchArrays } from "./batch-state.js";

export interface BatchPart {
  /** From 0. */
  index: number;
  count: number;
}

/** One of `count` parts of a batch, as equal as its rows allow and in their order. */
export function partOfBatch(batch: PolicyBatch, { index, count }: BatchPart): PolicyBatch {
  if (count === 1) return batch;
  const { tokens, completionWidth, promptLengths } = batch;
  const start = Math.floor((index * tokens.rows) / count);
  const end = Math.floor(((index + 1) * tokens.rows) / count);
  const rows = <A extends Float32Array | Int32Array>(values: A, width: number): A => values.slice(start * width, end * width) as A;
  return {
    tokens: { ids: rows(tokens.ids, tokens.width), lengths: rows(tokens.lengths, 1), rows: end - start, width: tokens.width },
    completionWidth,
    promptLengths: rows(promptLengths, 1),
    ...(Object.fromEntries(batchArrays.flatMap((key) => (batch[key] ? [[key, rows(batch[key], completionWidth)]] : []))) as Pick<PolicyBatch, "mask" | "sampledLogProbs" | "advantages">),
  };
}
