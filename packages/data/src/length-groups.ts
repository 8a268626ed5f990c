/** Rows of similar length in one batch, so that little of it is padding. */

export interface LengthGroups<T> {
  /** Tokens of a row. */
  lengthOf(row: T): number;
  /** Rows of one optimizer step. */
  batchSize: number;
}

/** A mega-batch has this many batches; fewer where that would leave less than four mega-batches. */
const BATCHES = 50;

/**
 * The order of transformers' LengthGroupedSampler: rows that are already shuffled are cut into mega-batches, and the rows of
 * each sorted by length, the longest first. The longest row of all changes places with the very first, so that a run that has
 * too little memory for it fails at once.
 */
export function groupByLength<T>(rows: readonly T[], { lengthOf, batchSize }: LengthGroups<T>): T[] {
  const batches = Math.min(Math.floor(rows.length / (4 * batchSize)), BATCHES) || 1;
  const size = batches * batchSize;
  const megaBatches = Array.from({ length: Math.ceil(rows.length / size) }, (_, i) =>
    rows.slice(i * size, (i + 1) * size).sort((a, b) => lengthOf(b) - lengthOf(a)),
  );
  const order = megaBatches.flat();
  const longest = order.reduce((best, row, i) => (lengthOf(row) > lengthOf(order[best]!) ? i : best), 0);
  [order[0], order[longest]] = [order[longest]!, order[0]!];
  return order;
}
