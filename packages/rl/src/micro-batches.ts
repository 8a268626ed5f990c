import { scatterTo, tf } from "@verlet/backend";
import type { LogProbOptions, Policy, PolicyBatch, TargetSelection, TokenBatch } from "@verlet/core";

/** A slice of rows of a policy batch, trimmed to its own longest row. */
export interface MicroBatch {
  tokens: TokenBatch;
  /** Rows of the whole batch that this slice covers, [start, end). */
  start: number;
  end: number;
  /** C of this slice. */
  width: number;
  /** The active tokens' positions in `tokens`. */
  selection: TargetSelection;
  /** [B, C], index among the active tokens, or −1. */
  source: Int32Array;
  /** [B, C] each */
  mask: Float32Array;
  advantages: Float32Array;
  sampledLogProbs: Float32Array;
  oldLogProbs?: Float32Array;
  refLogProbs?: Float32Array;
  values?: Float32Array;
  returns?: Float32Array;
  marks?: Float32Array;
}

const optionalArrays = ["oldLogProbs", "refLogProbs", "values", "returns", "marks"] as const;

/** Cuts a batch into slices of at most `size` rows (0 = one slice); slices without an active token are left out. */
export function microBatches(batch: PolicyBatch, size: number): MicroBatch[] {
  const { rows } = batch.tokens;
  const step = size > 0 ? size : rows;
  const slices: MicroBatch[] = [];
  for (let start = 0; start < rows; start += step) {
    const slice = cut(batch, start, Math.min(rows, start + step));
    if (slice.selection.positions.length > 0) slices.push(slice);
  }
  return slices;
}

function cut(batch: PolicyBatch, start: number, end: number): MicroBatch {
  const { tokens, promptLengths, completionWidth } = batch;
  const rows = end - start;
  const lengths = tokens.lengths.slice(start, end);
  const tokenWidth = Math.max(...lengths);
  const width = Math.max(...Array.from(lengths, (length, i) => length - promptLengths[start + i]!));
  const trim = (values: Float32Array): Float32Array => trimRows(values, completionWidth, start, end, width);
  const mask = trim(batch.mask); // [B, C]
  const source = new Int32Array(mask.length).fill(-1);
  const positions: number[] = [];
  mask.forEach((active, i) => {
    if (!active) return;
    const row = Math.floor(i / width);
    source[i] = positions.length;
    positions.push(row * tokenWidth + promptLengths[start + row]! + (i % width));
  });
  return {
    tokens: { ids: trimRows(tokens.ids, tokens.width, start, end, tokenWidth), lengths, rows, width: tokenWidth },
    start,
    end,
    width,
    selection: { positions: Int32Array.from(positions) },
    source,
    mask,
    advantages: trim(batch.advantages),
    sampledLogProbs: trim(batch.sampledLogProbs),
    ...Object.fromEntries(optionalArrays.flatMap((key) => (batch[key] ? [[key, trim(batch[key])]] : []))),
  };
}

/** The first `width` columns of rows [start, end) of a [B, from] array. */
function trimRows<A extends Float32Array | Int32Array>(values: A, from: number, start: number, end: number, width: number): A {
  const out = new (values.constructor as new (length: number) => A)((end - start) * width);
  for (let row = start; row < end; row++) out.set(values.subarray(row * from, row * from + width), (row - start) * width);
  return out;
}

/** Writes a slice's [B, C] values back into the whole batch's array. */
export function writeRows(target: Float32Array, batch: PolicyBatch, { start, end, width }: MicroBatch, values: ArrayLike<number>): void {
  for (let row = start; row < end; row++) {
    for (let c = 0; c < width; c++) target[row * batch.completionWidth + c] = values[(row - start) * width + c]!;
  }
}

/**
 * The policy's log-probs of a slice's completions.
 * @returns logProbs [B, C], 0 where the mask is 0, differentiable; entropy and sumSquares [N] of the active tokens
 */
export function completionLogProbs(
  policy: Pick<Policy, "logProbs">,
  { tokens, selection, source, width }: MicroBatch,
  options: LogProbOptions,
): { logProbs: tf.Tensor2D; entropy?: tf.Tensor1D; sumSquares?: tf.Tensor1D } {
  const { logProbs, ...values } = policy.logProbs(tokens, selection, options);
  return { logProbs: scatterTo(logProbs, source, [tokens.rows, width]), ...values };
}
