export * from "./console-logger.js";
export * from "./format.js";
