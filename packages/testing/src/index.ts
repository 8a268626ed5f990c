/**
 * The suites that every plugin of a kind must pass, for vitest, and what they run on.
 * Load the plugin first (`loadPlugins` of verlet), then call its kind's contract at the top of a test file.
 */
export { advantageContract, advantageInput, advantagesOf } from "./advantage-contract.js";
export { datasetReaderContract, type DatasetReaderCase } from "./dataset-reader-contract.js";
export { loggerContract, type LoggerRecord } from "./logger-contract.js";
export { policyLossContract, policyLossInput, tokenLossOf, type PolicyLossRows } from "./policy-loss-contract.js";
export { rewardContract, rewardContext, rewardSample, scoreOf } from "./reward-contract.js";
export { configuredReward, createRewardManager, rewardManagerContract, rewardRollout, scoringContext } from "./reward-manager-contract.js";
export { trainerContract, type TrainerCase } from "./trainer-contract.js";
export { tinyRlConfig } from "./tiny-rl-config.js";
export { ByteTokenizer } from "./fakes/byte-tokenizer.js";
export { FakeCritic } from "./fakes/fake-critic.js";
export { FakePolicy, fakeModels } from "./fakes/fake-policy.js";
export { tempFolder } from "./fakes/temp-folder.js";
