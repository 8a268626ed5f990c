export { canFreeze, checkFrozenFormat, freeze, type FrozenFormat } from "./freeze.js";
export { Bfloat16Weight } from "./bfloat16-weight.js";
export { frozenLinear } from "./frozen-linear.js";
export type { FrozenTable, FrozenWeight } from "./frozen-weight.js";
export { NF4_LEVELS } from "./nf4-weight.js";
