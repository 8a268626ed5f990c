export * from "./by-data-source.js";
