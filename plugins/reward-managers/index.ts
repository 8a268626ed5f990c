export * from "./batch-reward-manager.js";
export * from "./dapo-reward-manager.js";
export * from "./naive-reward-manager.js";
export * from "./prime-reward-manager.js";
