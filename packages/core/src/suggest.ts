import { distance } from "fastest-levenshtein";

/** Plain form of a name, so that case, `-` and `_` do not count as differences. */
const plain = (name: string): string => name.toLowerCase().replaceAll(/[-_\s]/g, "");

/** The candidate that `name` was most likely meant to be: at most 3 edits and less than 40 % of its letters away. */
export function nearest(name: string, candidates: Iterable<string>): string | undefined {
  let best: string | undefined;
  let bestDistance = Infinity;
  for (const candidate of candidates) {
    const edits = distance(plain(name), plain(candidate));
    const limit = Math.min(3, Math.ceil(Math.max(name.length, candidate.length) * 0.4));
    if (edits <= limit && edits < bestDistance) [best, bestDistance] = [candidate, edits];
  }
  return best;
}

/** `Did you mean "x"?`, or nothing when no candidate is near. */
export function didYouMean(name: string, candidates: Iterable<string>): string | undefined {
  const suggestion = nearest(name, candidates);
  return suggestion === undefined ? undefined : `Did you mean "${suggestion}"?`;
}

/** The names in order, separated by commas. */
export function listNames(names: Iterable<string>): string {
  return [...names].sort().join(", ");
}
