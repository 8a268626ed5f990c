export * from "./format.js";
export * from "./length-penalty.js";
export * from "./overlong.js";
export * from "./repetition-penalty.js";
export * from "./think-format.js";
