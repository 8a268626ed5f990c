export * from "./broken-rows.js";
export * from "./histogram.js";
export * from "./inspect-rows.js";
