/** The keys of VERL that make up `loss:`: which policy loss, its bounds, and how it is averaged. */
import { z } from "zod";
import { lossBroughtAlong } from "./verl-algorithm.js";
import type { VerlRule } from "./verl-rule.js";
import { number, read, text } from "./verl-rule.js";
import { completionLimit } from "./verl-rollout.js";
import type { VerlTranslation } from "./verl-translation.js";

const section = "actor_rollout_ref.actor";
const policyLoss = `${section}.policy_loss`;

const clipRatio = read(`${section}.clip_ratio`, "loss.clipLow, loss.clipHigh", number, 0.2, "stands in for a bound that is not written; verl's own defaults of the bounds win over it there");
const clipRatioLow = read(`${section}.clip_ratio_low`, "loss.clipLow", number, 0.2, "");
const clipRatioHigh = read(`${section}.clip_ratio_high`, "loss.clipHigh", number, 0.2, "");
const clipRatioC = read(`${section}.clip_ratio_c`, "loss.clipDual", number, 3, "of the loss clip");
const tauPositive = read(`${section}.tau_pos`, "loss.tauPositive", number, 1, "of the loss sapo");
const tauNegative = read(`${section}.tau_neg`, "loss.tauNegative", number, 1.05, "of the loss sapo");
const clipCovRatio = read(`${policyLoss}.clip_cov_ratio`, "loss.share", number, 0.0002, "of the loss clip_cov");
const clipCovLow = read(`${policyLoss}.clip_cov_lb`, "loss.covLow", number, 1, "of the loss clip_cov");
const clipCovHigh = read(`${policyLoss}.clip_cov_ub`, "loss.covHigh", number, 5, "of the loss clip_cov");
const klCovRatio = read(`${policyLoss}.kl_cov_ratio`, "loss.share", number, 0.0002, "of the loss kl_cov");
const klCovCoef = read(`${policyLoss}.ppo_kl_coef`, "loss.penalty", number, 0.1, "of the loss kl_cov");

const droBeta = read(`${policyLoss}.dro_beta`, "loss.beta", number, 0.1, "of the loss dro");

/** A bound of the ratio: as written, else `clip_ratio` where that is written, else verl's default. */
function setBound(ours: string, bound: VerlRule<number>, translation: VerlTranslation): void {
  const shared = translation.isWritten(clipRatio) && !translation.isWritten(bound);
  const value = shared ? translation.value(clipRatio) : translation.value(bound);
  translation.set(ours, value, shared ? clipRatio : bound);
  if (shared && value !== 0.2) {
    translation.note(clipRatio, "taken for the bounds that are not written; verl itself ignores it, because clip_ratio_low and clip_ratio_high have defaults (0.2) that win. Write those two");
  }
}

function setBounds(translation: VerlTranslation): void {
  setBound("loss.clipLow", clipRatioLow, translation);
  setBound("loss.clipHigh", clipRatioHigh, translation);
}

interface LossOfVerl {
  ours: string;
  /** Sets its options. */
  options?(translation: VerlTranslation): void;
  /** verl averages it this way, whatever loss_agg_mode says. */
  aggregation?: string;
}

/** Options that stand for one key each. */
const options =
  (...pairs: readonly (readonly [option: string, rule: VerlRule<number>])[]) =>
  (translation: VerlTranslation): void => {
    for (const [option, rule] of pairs) translation.set(`loss.${option}`, translation.value(rule), rule);
  };

/** verl's DPPO takes the clip bounds for its divergences. */
function setLimits(translation: VerlTranslation): void {
  setBound("loss.limitLow", clipRatioLow, translation);
  setBound("loss.limitHigh", clipRatioHigh, translation);
  translation.set("loss.ratioCap", translation.value(clipRatioC), clipRatioC);
}

const bySequence = "seq-mean-token-mean";

const losses: Readonly<Record<string, LossOfVerl>> = {
  vanilla: { ours: "clip", options: both(setBounds, options(["clipDual", clipRatioC])) },
  gspo: { ours: "gspo", options: setBounds, aggregation: bySequence },
  geo_mean: { ours: "gmpo", options: setBounds, aggregation: bySequence },
  cispo: { ours: "cispo", options: setBounds },
  sapo: { ours: "sapo", options: options(["tauPositive", tauPositive], ["tauNegative", tauNegative]), aggregation: bySequence },
  gpg: { ours: "gpg" },
  clip_cov: { ours: "clip_cov", options: both(setBounds, options(["share", clipCovRatio], ["covLow", clipCovLow], ["covHigh", clipCovHigh])) },
  kl_cov: { ours: "kl_cov", options: options(["share", klCovRatio], ["penalty", klCovCoef]) },
  dppo_tv: { ours: "dppo_tv", options: setLimits },
  dppo_kl: { ours: "dppo_kl", options: setLimits },
  dro: { ours: "dro", options: options(["beta", droBeta]) },
};

function both(first: (translation: VerlTranslation) => void, second: (translation: VerlTranslation) => void) {
  return (translation: VerlTranslation): void => {
    first(translation);
    second(translation);
  };
}

const lossMode = read(`${policyLoss}.loss_mode`, "loss.name", text, "vanilla", "vanilla = clip, geo_mean = gmpo, the others by their name; also a policy loss of yours", (mode, translation, rule) => {
  if (mode === "bypass_mode") {
    translation.refuse(rule, { what: `${rule.key}: old log-probs from the sampler`, expected: `one of ${Object.keys(losses).join(", ")}, or a registered policy loss` });
    return;
  }
  if (!translation.isWritten(rule) && lossBroughtAlong(translation) !== undefined) return;
  const loss = Object.hasOwn(losses, mode) ? losses[mode]! : { ours: mode };
  translation.set("loss.name", loss.ours, rule);
  loss.options?.(translation);
});

const aggregation = read(`${section}.loss_agg_mode`, "loss.aggregation", z.string(), "token-mean", "", (mode, translation, rule) => {
  const forced = losses[translation.value(lossMode)]?.aggregation;
  translation.set("loss.aggregation", forced ?? mode, forced ? lossMode : rule);
  if (forced && forced !== mode && translation.isWritten(rule)) translation.note(rule, `not read: with this loss verl always takes ${forced}`);
});

const scaleFactor = read(`${section}.loss_scale_factor`, "", number.nullable(), null, "read with loss_agg_mode seq-mean-token-sum-norm, which here divides by the completion limit", (factor, translation, rule) => {
  if (factor === null) return;
  const limit = completionLimit(translation);
  if (translation.value(aggregation) !== "seq-mean-token-sum-norm") translation.note(rule, "read only with loss_agg_mode seq-mean-token-sum-norm");
  else if (factor !== limit) {
    translation.refuse(rule, { what: `${rule.key} differs from the completion limit, by which verlet divides`, expected: String(limit), fix: "Leave it out, or set data.max_response_length to it" });
  }
});

export const lossRules: readonly VerlRule[] = [
  lossMode,
  clipRatio,
  clipRatioLow,
  clipRatioHigh,
  clipRatioC,
  tauPositive,
  tauNegative,
  clipCovRatio,
  clipCovLow,
  clipCovHigh,
  klCovRatio,
  klCovCoef,
  droBeta,
  aggregation,
  scaleFactor,
];
