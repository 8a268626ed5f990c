export * from "./save-checkpoint.js";
export * from "./read-checkpoint.js";
export * from "./checkpoint-state.js";
export * from "./list-checkpoints.js";
export * from "./prune-checkpoints.js";
export * from "./config-differences.js";
export * from "./atomic-write.js";
