export { rewardContext, rewardContract, rewardSample, scoreOf } from "@verlet/testing";
