export { requireAnswer } from "./answer.js";
export * from "./combine.js";
export type { CallContext } from "./guarded-call.js";
export * from "./reward-samples.js";
export * from "./run-reward.js";
