export * from "./folder-reader.js";
export * from "./hub-reader.js";
