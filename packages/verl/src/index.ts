/**
 * VERL's names over verlet's parts, for people who come with its document or its scripts: the training manager, the
 * registration functions, and reward functions, reward managers and core algorithms in the forms that VERL gives them.
 */
export * from "./component-type.js";
export * from "./register.js";
export { registry } from "./registry.js";
export type { VerlRegistry } from "./registry.js";
export * from "./reward-function.js";
export * from "./rl-training-manager.js";
export type { TrainOptions } from "./train-options.js";
export type { ComputeScore, ComputeScoreResult, RunComputeScore, VerlDataItem, VerlManager, VerlManagerClass, VerlScores } from "@verlet/data";
export type { VerlAdvantageFn } from "@verlet/config";
