export { CodeReward } from "./code-reward.js";
export { extractCode } from "./extract-code.js";
export { runCode } from "./sandbox.js";
export type { CodeJob, CodeLimits, CodeOutcome, CodeTest } from "./sandbox.js";
