/** What each kind of plugin must do. Contracts carry no code. */
export * from "./contracts/companions.js";
export * from "./contracts/model.js";
export * from "./contracts/objective.js";
export * from "./contracts/reward.js";
export * from "./contracts/run.js";
export * from "./contracts/sections.js";
export * from "./contracts/trainer.js";
export * from "./contracts/values.js";
