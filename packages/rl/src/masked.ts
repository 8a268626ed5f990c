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
