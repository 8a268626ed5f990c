/** The documents' rewards as parts of verlet's registry; a YAML takes them with `plugins: ["@verlet/agents/rewards"]`. */
import { fileURLToPath } from "node:url";
import { registerReward, registry, type Reward } from "@verlet/core";
import { createAccuracyReward, createLengthPenaltyReward, createStepReward } from "./create-rewards.js";
import { asReward, type RewardFunction } from "./reward-function.js";
import { accuracyOptions, lengthOptions, stepOptions } from "./shaped-rewards.js";

/** As `plugins:` names it. */
const REWARDS_PLUGIN = "@verlet/agents/rewards";

const source = fileURLToPath(import.meta.url);

/** A class of the registry whose instances score as the function that `make` gives. */
function rewardClass<Options>(make: (options: Options) => Pick<RewardFunction, "call">): new (options: Options) => Reward {
  return class AgentReward implements Reward {
    readonly scoreBatch: NonNullable<Reward["scoreBatch"]>;
    constructor(options: Options) {
      this.scoreBatch = asReward(make(options)).scoreBatch!;
    }
  };
}

if (!registry.find("reward", "agents/accuracy")) {
  registerReward("agents/accuracy", { options: accuracyOptions, source, doc: "1 for a right answer, 0 for a wrong one, found as HelloAgents finds it." })(rewardClass(createAccuracyReward));
  registerReward("agents/length_penalty", { options: lengthOptions, source, doc: "agents/accuracy less a penalty for length; four formulas by name." })(
    rewardClass((options: Parameters<typeof createLengthPenaltyReward>[1]) => createLengthPenaltyReward(undefined, options)),
  );
  registerReward("agents/step", { options: stepOptions, source, doc: "agents/accuracy and a bonus for each step; three formulas by name." })(
    rewardClass((options: Parameters<typeof createStepReward>[1]) => createStepReward(undefined, options)),
  );
}

export { REWARDS_PLUGIN };
