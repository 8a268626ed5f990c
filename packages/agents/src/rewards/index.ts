export * from "./create-rewards.js";
export * from "./math-reward.js";
export { asReward, columnsOf, partsOf } from "./reward-function.js";
export type { BatchReward, Reads, RewardColumns, RewardFunction, RewardInput, RewardPart } from "./reward-function.js";
export { addSteps, countSteps, lengthVariants, penaliseLength, rewardTypes, stepVariants } from "./shaped-rewards.js";
export type { LengthOptions, LengthVariant, RewardType, StepOptions, StepVariant } from "./shaped-rewards.js";
