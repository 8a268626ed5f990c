export * from "./csv-logger.js";
