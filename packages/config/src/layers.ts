/**
 * What files and overrides say, one over the other, with the place kept where a preset's keys go: just below the file (or
 * the command line) that names it. So a preset wins over what that file extends, and loses against the file's own keys;
 * and a file that names another algorithm is not left with the keys of a preset further down.
 */
import { mergeNodes } from "./merge.js";
import type { Mapping } from "./node.js";
import { entryOf, textOf } from "./node.js";

export interface Layers {
  /** What stands under the one that names the algorithm; absent where that is the lowest. */
  readonly below?: Mapping;
  readonly above: Mapping;
}

/** Puts layers over others; names of parts are written out (`expandShorthand`). */
export function overlay(base: Layers | undefined, over: Layers): Layers {
  if (!base) return over;
  if (algorithmOf(over.above) === undefined) return { ...base, above: merge(base.above, flatten(over)) };
  return { below: merge(flatten(base), over.below), above: over.above };
}

export function flatten({ below, above }: Layers): Mapping {
  return merge(below, above);
}

/** The name of the algorithm, where one is written. */
export function algorithmOf(root: Mapping): string | undefined {
  const node = entryOf(root, "algorithm")?.node;
  return node?.type === "mapping" ? textOf(entryOf(node, "name")?.node) : undefined;
}

function merge(base: Mapping | undefined, over: Mapping | undefined): Mapping {
  return (over ? mergeNodes(base, over) : base) as Mapping;
}
