import type { SamplingOptions } from "@verlet/core";

export type FilterOptions = Pick<SamplingOptions, "temperature" | "topK" | "topP" | "minP" | "repetitionPenalty">;

/**
 * Filters one row of logits in place, in transformers' order: repetition penalty, temperature, top-k, top-p, min-p.
 * Removed tokens become −∞. Temperature 0 (greedy) leaves the scale as it is.
 * @param context ids already present (prompt and completion), for the repetition penalty
 */
export function filterLogits(logits: Float32Array, { temperature, topK, topP, minP, repetitionPenalty }: FilterOptions, context: Iterable<number>): void {
  if (repetitionPenalty !== 1) penalise(logits, repetitionPenalty, context);
  if (temperature > 0 && temperature !== 1) for (let i = 0; i < logits.length; i++) logits[i]! /= temperature;
  if (topK > 0 && topK < logits.length) keepTopK(logits, topK);
  if (topP < 1) keepTopP(logits, topP);
  if (minP > 0) keepMinP(logits, minP);
}

/** Divides positive and multiplies negative logits of each id present, once (Keskar et al. 2019). */
function penalise(logits: Float32Array, penalty: number, context: Iterable<number>): void {
  for (const id of new Set(context)) logits[id] = logits[id]! > 0 ? logits[id]! / penalty : logits[id]! * penalty;
}

/** Keeps every logit that is at least the k-th largest, so ties at the border all stay. */
function keepTopK(logits: Float32Array, k: number): void {
  const border = Float32Array.from(logits).sort()[logits.length - k]!;
  for (let i = 0; i < logits.length; i++) if (logits[i]! < border) logits[i] = -Infinity;
}

/** Drops the least likely tokens while their total stays at or below 1 − p; the best one always stays. */
function keepTopP(logits: Float32Array, p: number): void {
  const ascending = Float32Array.from(logits).sort();
  const probabilities = softmax(ascending);
  let dropped = 0;
  for (let total = 0; dropped < ascending.length - 1; dropped++) {
    total += probabilities[dropped]!;
    if (total > 1 - p) break;
  }
  const border = ascending[dropped]!;
  let equals = dropped - ascending.indexOf(border); // of equal logits the first ones go, as in a stable sort
  for (let i = 0; i < logits.length; i++) {
    if (logits[i]! < border || (logits[i]! === border && equals-- > 0)) logits[i] = -Infinity;
  }
}

/** Drops tokens less likely than minP times the best one. */
function keepMinP(logits: Float32Array, minP: number): void {
  const border = maxOf(logits) + Math.log(minP);
  for (let i = 0; i < logits.length; i++) if (logits[i]! < border) logits[i] = -Infinity;
}

const maxOf = (values: Float32Array): number => values.reduce((a, b) => Math.max(a, b), -Infinity);

/** Probabilities in double precision. */
export function softmax(logits: Float32Array): Float64Array {
  const max = maxOf(logits);
  const weights = Float64Array.from(logits, (z) => Math.exp(z - max));
  const total = weights.reduce((a, b) => a + b, 0);
  return weights.map((w) => w / total);
}
