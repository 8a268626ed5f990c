import "reflect-metadata";
export * from "./errors.js";
export * from "./batch.js";
export * from "./contracts.js";
export * from "./rng.js";
