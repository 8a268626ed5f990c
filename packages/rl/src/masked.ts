/** Statistics over the entries of host arrays that count. */

export function meanOf(values: readonly number[]): number {
  return values.reduce((a, b) => a + b, 0) / values.length;
}

/** Standard deviation with n − 1; NaN for fewer than two values. */
export function sampleStd(values: readonly number[]): number {
  const mean = meanOf(values);
  return Math.sqrt(values.reduce((a, b) => a + (b - mean) ** 2, 0) / (values.length - 1));
}

/** True when all values are equal: such a group carries no signal, whatever rounding its mean suffered. */
export const allEqual = (values: readonly number[]): boolean => values.every((value) => value === values[0]);

const VARIANCE_EPSILON = 1e-8;

/**
 * (x − mean) / √(variance + 1e-8) over the entries with mask 1, the variance with n − 1 (verl `masked_whiten`). Differs from
 * verl where the mask is 0, which gives 0 here and a shifted number there, and for a single entry, which gives 0 here and an
 * error there. Entries that are all equal give exactly 0.
 */
export function whiten(values: ArrayLike<number>, mask: ArrayLike<number>): Float64Array {
  const active = Array.from(values).filter((_, i) => mask[i]);
  const whitened = new Float64Array(values.length);
  if (allEqual(active)) return whitened;
  const mean = meanOf(active);
  const scale = Math.sqrt(sampleStd(active) ** 2 + VARIANCE_EPSILON);
  return whitened.map((_, i) => (mask[i] ? (values[i]! - mean) / scale : 0));
}
