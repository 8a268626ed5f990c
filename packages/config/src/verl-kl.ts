/** VERL's two places for the KL divergence: the actor's loss, and the rewards (`algorithm:`). */
import { z } from "zod";
import type { VerlRule } from "./verl-rule.js";
import { flag, number, read, whole } from "./verl-rule.js";
import type { VerlTranslation } from "./verl-translation.js";

/** verl's names of the estimators. */
const klName = z.enum(["kl", "k1", "abs", "mse", "k2", "low_var_kl", "k3", "full"].flatMap((name) => [name, `${name}+`]));

const useKlLoss = read("actor_rollout_ref.actor.use_kl_loss", "loss.klCoef", flag, false, "true: KL in the loss, with kl_loss_coef and kl_loss_type");
const klLossCoef = read("actor_rollout_ref.actor.kl_loss_coef", "loss.klCoef", number, 0.001, "with use_kl_loss");
const klLossType = read("actor_rollout_ref.actor.kl_loss_type", "loss.klEstimator", klName, "low_var_kl", "with use_kl_loss: kl, k1, abs, mse, k2, low_var_kl, k3, each also with +");

const useKlInReward = read("algorithm.use_kl_in_reward", "loss.klPlace", flag, false, "true: KL off the rewards, with kl_ctrl and kl_penalty");
const klPenalty = read("algorithm.kl_penalty", "loss.klEstimator", klName, "kl", "with use_kl_in_reward");
const klType = read("algorithm.kl_ctrl.type", "loss.klController", z.enum(["fixed", "adaptive"]), "fixed", "with use_kl_in_reward");
const klCoef = read("algorithm.kl_ctrl.kl_coef", "loss.klCoef", number, 0.001, "with use_kl_in_reward");
const klHorizon = read("algorithm.kl_ctrl.horizon", "loss.klHorizon", whole, 10000, "with type adaptive");
const klTarget = read("algorithm.kl_ctrl.target_kl", "loss.klTarget", number, 0.1, "with type adaptive");

const klNames: Readonly<Record<string, string>> = { kl: "k1", mse: "k2", low_var_kl: "k3" };

/** `low_var_kl+` → `k3+` */
function setEstimator(rule: VerlRule<string>, translation: VerlTranslation): void {
  const [, name, plus] = /^(.*?)(\+?)$/.exec(translation.value(rule))!;
  if (name === "full") {
    translation.refuse(rule, { what: `${rule.key}: the whole vocabulary's KL`, expected: "an estimate from samples such as k3", fix: "verl documents `full` and does not have it either" });
    return;
  }
  translation.set("loss.klEstimator", `${klNames[name!] ?? name}${plus}`, rule);
}

const kl: VerlRule<boolean> = {
  ...useKlInReward,
  put: (inReward, translation) => {
    const inLoss = translation.value(useKlLoss);
    if (inReward && inLoss) {
      translation.refuse(useKlInReward, { what: `${useKlInReward.key} and ${useKlLoss.key} are both on`, expected: "one KL term, in the reward or in the loss" });
    } else if (inReward) {
      translation.set("loss.klPlace", "reward", useKlInReward);
      translation.set("loss.klCoef", translation.value(klCoef), klCoef);
      setEstimator(klPenalty, translation);
      translation.set("loss.klController", translation.value(klType), klType);
      if (translation.value(klType) !== "adaptive") return;
      translation.set("loss.klHorizon", translation.value(klHorizon), klHorizon);
      translation.set("loss.klTarget", translation.value(klTarget), klTarget);
    } else if (inLoss) {
      translation.set("loss.klPlace", "loss", useKlLoss);
      translation.set("loss.klCoef", translation.value(klLossCoef), klLossCoef);
      setEstimator(klLossType, translation);
    } else translation.set("loss.klCoef", 0, useKlLoss, useKlInReward);
  },
};

export const klRules: readonly VerlRule[] = [kl, klPenalty, klType, klCoef, klHorizon, klTarget, useKlLoss, klLossCoef, klLossType];
