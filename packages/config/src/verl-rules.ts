/** All rules of the translation, in the order of its table. */
import { actorRules } from "./verl-actor.js";
import { algorithmRules } from "./verl-algorithm.js";
import { criticRules } from "./verl-critic.js";
import { dataRules } from "./verl-data.js";
import { idleRules } from "./verl-idle.js";
import { klRules } from "./verl-kl.js";
import { lossRules } from "./verl-loss.js";
import { modelRules } from "./verl-model.js";
import { optimRules } from "./verl-optim.js";
import { primeRules } from "./verl-prime.js";
import { rewardRules } from "./verl-reward.js";
import { rolloutRules } from "./verl-rollout.js";
import type { VerlRule } from "./verl-rule.js";
import { trainerRules } from "./verl-trainer.js";

export const verlRules: readonly VerlRule[] = [
  ...algorithmRules,
  ...klRules,
  ...modelRules,
  ...dataRules,
  ...rolloutRules,
  ...rewardRules,
  ...primeRules,
  ...lossRules,
  ...actorRules,
  ...optimRules,
  ...criticRules,
  ...trainerRules,
  ...idleRules,
];
