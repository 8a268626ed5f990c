export interface OverlongOptions {
  /** The longest completion, in tokens. */
  maxLength: number;
  /** Tokens before `maxLength` over which the penalty grows. */
  buffer: number;
  /** The penalty at `maxLength`. */
  factor: number;
  /** No more than `factor` beyond `maxLength`. */
  bounded: boolean;
}

/**
 * The soft overlong punishment of DAPO (Yu et al. 2025, eq. 13): 0 up to `maxLength − buffer` tokens, then
 * −factor · (length − (maxLength − buffer)) / buffer; where it is bounded (the paper, TRL), no lower than −factor, elsewhere
 * falling on (verl).
 */
export function overlongPenalty(length: number, { maxLength, buffer, factor, bounded }: OverlongOptions): number {
  const share = Math.max(0, (length - (maxLength - buffer)) / buffer);
  return share === 0 ? 0 : -factor * (bounded ? Math.min(1, share) : share);
}
