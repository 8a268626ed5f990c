export { configuredReward as configured, createRewardManager, rewardManagerContract, rewardRollout as rollout, scoringContext } from "@verlet/testing";
