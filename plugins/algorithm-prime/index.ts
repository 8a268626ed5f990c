export { sampleByAccuracy, type AccuracyFilter } from "./accuracy-filter.js";
export { binaryCrossEntropy } from "./binary-cross-entropy.js";
export { outcomesOf } from "./outcomes.js";
export { combineRewards, primeAdvantage, type RewardParts, type RewardWeights } from "./prime-advantage.js";
export { PrimeTrainer } from "./prime-trainer.js";
export { processRewards, type ProcessRewardOptions } from "./process-rewards.js";
export { pairAccuracy, rewardModelGradients, teachAndJudge, type RewardModelOptions } from "./reward-model-step.js";
