export * from "./hub-reader.js";
