/** What other YAML files of verlet's own are read with: as strictly, and with the same places and messages. */
export type { Entry, Leaf, List, Mapping, Node, Place } from "./node.js";
export { entryOf, fromPlain, showValueOf, textOf, toPlain, without } from "./node.js";
export { parseYaml } from "./parse-yaml.js";
export { asMapping, displayPath } from "./read-tree.js";
export { Problems } from "./problems.js";
export { readSection } from "./read-section.js";
export { interpolate } from "./verl-interpolate.js";
export { expandShorthand, mergeNodes } from "./merge.js";
export { applyOverrides } from "./overrides.js";
export { resolveNode } from "./load-config.js";
