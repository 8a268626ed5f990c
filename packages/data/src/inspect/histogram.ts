/** How values are spread, for text. */

export interface Spread {
  min: number;
  median: number;
  mean: number;
  /** The value that 95 of 100 do not exceed. */
  p95: number;
  max: number;
  /** Equal stretches of whole numbers, both ends included. */
  bins: { from: number; to: number; count: number }[];
}

/** @param values at least one whole number. */
export function spreadOf(values: readonly number[], bins = 10): Spread {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (share: number): number => sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)]!;
  const [min, max] = [sorted[0]!, sorted.at(-1)!];
  const width = niceWidth((max - min + 1) / bins);
  const start = Math.floor(min / width) * width;
  const counts = new Array<number>(Math.floor((max - start) / width) + 1).fill(0);
  for (const value of sorted) counts[Math.floor((value - start) / width)]!++;
  return {
    min,
    median: at(0.5),
    mean: sorted.reduce((sum, value) => sum + value, 0) / sorted.length,
    p95: at(0.95),
    max,
    bins: counts.map((count, i) => ({ from: start + i * width, to: start + (i + 1) * width - 1, count })),
  };
}

/** The smallest of 1, 2, 5, 10, 20, 50, … that is at least `width`. */
function niceWidth(width: number): number {
  const power = 10 ** Math.max(0, Math.floor(Math.log10(Math.max(1, width))));
  return [1, 2, 5, 10].map((step) => step * power).find((step) => step >= width)!;
}
