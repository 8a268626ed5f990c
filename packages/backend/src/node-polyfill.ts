/** tfjs-node 4.22 calls two helpers of `node:util` that Node 23 removed. Import this before TensorFlow.js. */
import { createRequire } from "node:module";

const util = createRequire(import.meta.url)("node:util") as { isNullOrUndefined?: (value: unknown) => boolean; isArray?: (value: unknown) => boolean };
util.isNullOrUndefined ??= (value) => value === null || value === undefined;
util.isArray ??= Array.isArray;
