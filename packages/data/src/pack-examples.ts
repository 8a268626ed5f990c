/** Sequence packing: several short examples in one row, each seeing only its own tokens. */
import type { Rng } from "@verlet/core";
import { ShapeError } from "@verlet/core";
import type { SftExample } from "./prepare-sft.js";

/**
 * Packs the examples into rows of at most `maxLength` tokens by best-fit-decreasing (TRL's packing strategy `bfd`). Unlike
 * TRL, which packs a thousand examples at a time, over all of them at once. No example is cut, and each trains the tokens
 * that it trains alone: its first one has no prediction.
 * @param rng puts the examples in another order first, so that which of equally long ones come together is left to the seed
 * @returns rows in the order of their first examples
 */
export function packExamples(examples: readonly SftExample[], maxLength: number, rng?: Rng): SftExample[] {
  const order = rng ? rng.shuffle([...examples]) : examples;
  const rows = bestFitDecreasing(order.map(({ ids }) => ids.length), maxLength).map((row) => row.sort((a, b) => a - b));
  return rows.sort((a, b) => a[0]! - b[0]!).map((row) => joined(row.map((i) => order[i]!)));
}

function joined(examples: readonly SftExample[]): SftExample {
  return {
    ids: examples.flatMap(({ ids }) => ids),
    mask: Uint8Array.from(examples.flatMap(({ mask }) => [0, ...mask.subarray(1)])),
    row: examples[0]!.row,
    lengths: examples.map(({ ids }) => ids.length),
  };
}

/**
 * Bin packing: the longest first, each into the row that it leaves the least room in, into a new one where it fits in none
 * (Johnson 1974: at most 11/9 of the fewest rows possible, and 4 more).
 * @param size what a row holds
 * @returns the indices in each row
 * @throws ShapeError for a length above `size`
 */
export function bestFitDecreasing(lengths: readonly number[], size: number): number[][] {
  const rows: number[][] = [];
  /** The rows begun, by the room left in them. */
  const begun = Array.from({ length: size + 1 }, (): number[][] => []);
  const order = [...lengths.keys()].sort((a, b) => lengths[b]! - lengths[a]! || a - b);
  for (const i of order) {
    const length = lengths[i]!;
    if (length > size) throw new ShapeError({ where: "packing", what: "an example is longer than a row", got: `${length} tokens`, expected: `at most ${size}` });
    let room = length;
    while (room < size && begun[room]!.length === 0) room++; // tokenising the example took longer than this search
    const row = begun[room]!.pop() ?? rows[rows.push([]) - 1]!;
    row.push(i);
    begun[room - length]!.push(row);
  }
  return rows;
}

/**
 * Where in its row each token's own example begins, [B·T], as `TokenBatch.starts` holds it. Padding counts as an example of
 * its own.
 */
export function segmentStarts(rows: readonly Pick<SftExample, "ids" | "lengths">[], width: number): Int32Array {
  const starts = new Int32Array(rows.length * width);
  rows.forEach(({ ids, lengths = [ids.length] }, row) => {
    let start = 0;
    for (const length of [...lengths, width - ids.length]) {
      starts.fill(start, row * width + start, row * width + start + length);
      start += length;
    }
  });
  return starts;
}

/** One line for the screen. */
export function describePacking(packed: readonly SftExample[], maxLength: number): string {
  const examples = packed.reduce((sum, { lengths = [] }) => sum + lengths.length, 0);
  const tokens = packed.reduce((sum, { ids }) => sum + ids.length, 0);
  const full = ((100 * tokens) / (packed.length * maxLength)).toFixed(1);
  const none = packed.length === examples ? "; no two fit into one, so raise data.maxLength or leave data.packing out" : "";
  return `${examples} examples packed into ${packed.length} rows of at most ${maxLength} tokens, ${full} % full${none}`;
}
