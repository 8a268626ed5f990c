/** Numbers in a block from which a bulk copy beats a loop (measured: a call costs about as much as 60 numbers). */
const LEAST_FOR_BULK = 64;

type Numbers = Float32Array | Int32Array | Uint8Array;

/** Where the blocks lie in one of the two arrays. */
export interface Blocks {
  numbers: Numbers;
  /** Index of the first block. */
  start: number;
  /** Distance from one block to the next. */
  stride: number;
}

/** Copies `count` blocks of `length` numbers. */
export function copyBlocks(from: Blocks, to: Blocks, count: number, length: number): void {
  const source = from.numbers;
  const target = to.numbers;
  for (let block = 0; block < count; block++) {
    const read = from.start + block * from.stride;
    const write = to.start + block * to.stride;
    if (length >= LEAST_FOR_BULK) target.set(source.subarray(read, read + length), write);
    else for (let i = 0; i < length; i++) target[write + i] = source[read + i]!;
  }
}

/** How an array [.., axis, ..] falls into blocks along one axis. */
export function blocksAlong(shape: readonly number[], axis: number): { outer: number; inner: number } {
  const product = (sizes: readonly number[]): number => sizes.reduce((a, b) => a * b, 1);
  return { outer: product(shape.slice(0, axis)), inner: product(shape.slice(axis + 1)) };
}
