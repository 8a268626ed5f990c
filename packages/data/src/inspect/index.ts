export * from "./histogram.js";
export * from "./inspect-rows.js";
