/** VERL's `algorithm:` section: which trainer and which advantage. */
import { registry } from "@verlet/core";
import { z } from "zod";
import { trainBatchSize } from "./verl-data.js";
import { isPrime, PRIME } from "./verl-prime.js";
import type { VerlRule } from "./verl-rule.js";
import { flag, idle, number, only, read, text, whole } from "./verl-rule.js";
import type { VerlPreset, VerlTranslation } from "./verl-translation.js";

const gamma = read("algorithm.gamma", "advantage.gamma", number, 1, "of gae and reinforce_plus_plus");
const lam = read("algorithm.lam", "advantage.lam", number, 1, "of gae");
const normalize = read("algorithm.norm_adv_by_std_in_grpo", "advantage", flag, true, "false: grpo becomes drgrpo; the option normalize of grpo_passk and gdpo");

const filterGroups = read("algorithm.filter_groups.enable", "algorithm.name", flag, false, "true: the algorithm is dapo");
const maxBatches = read("algorithm.filter_groups.max_num_gen_batches", "algorithm.maxRefills", whole.nullable(), 0, "one less: verl counts the first draw too");
const metric = read("algorithm.filter_groups.metric", "", z.string().nullable(), null, "groups are compared by their scores");

/** Options of the advantage, each with the rule that it comes from. */
type Options = Readonly<Record<string, readonly [value: unknown, from: VerlRule]>>;

interface Estimator {
  advantage(translation: VerlTranslation): string;
  options?(translation: VerlTranslation): Options;
  /** The trainer that has what it needs; grpo for all that compare samples. */
  trainer?: string;
}

/** verl's ε, where verlet's own default differs. */
const EPSILON = 1e-6;

const from = (rule: VerlRule, translation: VerlTranslation): readonly [unknown, VerlRule] => [translation.value(rule), rule];

const grpo: Estimator = {
  advantage: (translation) => (translation.value(normalize) ? "grpo" : "drgrpo"),
  options: (translation): Options => (translation.value(normalize) ? { epsilon: [EPSILON, estimator] } : {}),
};
const plain = (name: string): Estimator => ({ advantage: () => name });
const normalized = (name: string): Estimator => ({ advantage: () => name, options: (translation) => ({ normalize: from(normalize, translation) }) });

const estimators: Readonly<Record<string, Estimator>> = {
  gae: { trainer: "ppo", advantage: () => "gae", options: (translation) => ({ gamma: from(gamma, translation), lam: from(lam, translation) }) },
  grpo,
  grpo_vectorized: grpo,
  grpo_passk: normalized("grpo_passk"),
  gdpo: normalized("gdpo"),
  rloo: plain("rloo"),
  rloo_vectorized: plain("rloo"),
  reinforce_plus_plus: { advantage: () => "reinforce_plus_plus", options: (translation) => ({ gamma: from(gamma, translation) }) },
  reinforce_plus_plus_baseline: plain("reinforce_plus_plus_baseline"),
  remax: plain("remax"),
  opo: plain("opo"),
  gpg: plain("gpg"),
  optimal_token_baseline: plain("optimal_token_baseline"),
  tir_optimal_token_baseline: { advantage: () => "optimal_token_baseline", options: (): Options => ({ compact: [true, estimator] }) },
};

/** What `algorithm_type` asks for, in VERL's keys: what stands over the file, and what fills it. */
const types: Readonly<Record<string, Omit<VerlPreset, "by">>> = {
  ppo: { over: { "algorithm.adv_estimator": "gae" }, defaults: {} },
  [PRIME]: { over: { "algorithm.adv_estimator": "rloo" }, defaults: {} },
  drgrpo: {
    over: { "algorithm.adv_estimator": "grpo", "algorithm.norm_adv_by_std_in_grpo": false },
    defaults: { "actor_rollout_ref.actor.loss_agg_mode": "seq-mean-token-sum-norm" },
  },
  dapo: {
    over: { "algorithm.adv_estimator": "grpo", "algorithm.filter_groups.enable": true },
    defaults: { "actor_rollout_ref.actor.clip_ratio_high": 0.28 },
  },
  ...Object.fromEntries(Object.keys(estimators).map((name) => [name, { over: { "algorithm.adv_estimator": name }, defaults: {} }])),
  ...Object.fromEntries(Object.entries({ gspo: "gspo", gmpo: "geo_mean", cispo: "cispo", sapo: "sapo" }).map(([name, mode]) => [name, withLoss("grpo", mode)])),
  gpg: withLoss("gpg", "gpg"),
};

function withLoss(estimator: string, mode: string): Omit<VerlPreset, "by"> {
  return { over: { "algorithm.adv_estimator": estimator, "actor_rollout_ref.actor.policy_loss.loss_mode": mode }, defaults: {} };
}

/** The algorithm types that have a meaning of their own in VERL. */
export const algorithmTypes = Object.keys(types);

const algorithmType: VerlRule<string | null> = {
  ...read("algorithm_type", "algorithm.name, advantage.name", text.nullable(), null, "what algorithmType and --algorithm set, see above"),
  put: (type, translation) => {
    const written = translation.writtenValue(estimator);
    const wanted = type === null ? undefined : (types[type]?.over[estimator.key] ?? broughtAlong(type, "advantage"));
    if (written !== undefined && wanted !== undefined && written !== wanted) {
      translation.note(estimator, `"${String(written)}" gives way to ${String(wanted)}, which the algorithm type ${type} asks for`);
    }
  },
};

const estimator: VerlRule<string> = read("algorithm.adv_estimator", "algorithm.name, advantage.name", text, "gae", "the advantage and the trainer that has what it needs: gae = ppo, all others grpo; also an advantage of yours", (name, translation, rule) => {
  const type = translation.value(algorithmType);
  const known: Estimator = estimators[name] ?? plain(name);
  const own = type !== null && !Object.hasOwn(types, type) ? type : undefined;
  const source = type !== null ? algorithmType : isPrime(translation) ? { key: "reward_model.enable" } : translation.value(filterGroups) ? filterGroups : rule;
  translation.set("algorithm.name", trainerOf(translation), source);
  if (isPrime(translation)) {
    if (name !== "rloo") translation.refuse(rule, { what: `${rule.key} of a PRIME file`, expected: "rloo, which is how PRIME compares its rewards" });
    return;
  }
  // An algorithm of the user's brings its own advantage; one that names none takes what the file asks for.
  if (own !== undefined && (!translation.isWritten(rule) || broughtAlong(own, "advantage") !== undefined)) return;
  translation.set("advantage.name", known.advantage(translation), rule, ...(known === grpo && !translation.value(normalize) ? [normalize] : []));
  for (const [option, [value, source]] of Object.entries(known.options?.(translation) ?? {})) translation.set(`advantage.${option}`, value, source);
});

/** The advantage or loss that the registration of an algorithm of the user's names. */
function broughtAlong(type: string, section: "advantage" | "loss"): string | undefined {
  const brought = Object.hasOwn(types, type) ? undefined : registry.find("trainer", type)?.defaults[section];
  return typeof brought === "string" ? brought : (brought as { name?: string } | undefined)?.name;
}

/** The loss that the algorithm asked for brings along: verl's default does not stand over it. */
export function lossBroughtAlong(translation: VerlTranslation): string | undefined {
  const type = translation.value(algorithmType);
  return type === null ? undefined : broughtAlong(type, "loss");
}

/** The trainer that the file asks for. */
export function trainerOf(translation: VerlTranslation): string {
  const type = translation.value(algorithmType);
  if (type !== null && !Object.hasOwn(types, type)) return type;
  if (isPrime(translation)) return PRIME;
  const wanted = estimators[translation.value(estimator)]?.trainer;
  return wanted ?? (translation.value(filterGroups) ? "dapo" : "grpo");
}

/** Sets what `algorithm_type` stands for before anything else is read. */
export function applyAlgorithmType(translation: VerlTranslation): void {
  const type = translation.value(algorithmType);
  if (type !== null && Object.hasOwn(types, type)) translation.preset = { by: algorithmType.key, ...types[type]! };
}

const filter: VerlRule<boolean> = {
  ...filterGroups,
  put: (enabled, translation) => {
    if (!enabled) return;
    const most = translation.value(maxBatches);
    if (trainerOf(translation) !== "dapo") {
      translation.refuse(filterGroups, { what: `${filterGroups.key} with adv_estimator ${translation.value(estimator)}`, expected: "an estimator that compares samples of a group" });
      return;
    }
    if (most !== null && most > 0) {
      translation.set("algorithm.maxRefills", most - 1, maxBatches);
      translation.note(maxBatches, "reached, the step goes on with the groups there are; verl stops with an error");
    } else translation.note(maxBatches, "verl then draws without end; here at most algorithm.maxRefills times more");
    if (translation.isWritten(metric)) translation.note(metric, "groups are compared by their scores, overlong penalty included");
    translation.set("loss.maskTruncated", false, filterGroups);
  },
};

const genBatchSize = read("data.gen_batch_size", "", whole.nullable(), null, "with filter_groups it is noted; otherwise it must be train_batch_size", (size, translation, rule) => {
  if (size === null || size === translation.value(trainBatchSize)) return;
  if (translation.value(filterGroups)) translation.note(rule, "dapo draws train_batch_size prompts at a time");
  else translation.refuse(rule, { what: `${rule.key} differs from ${trainBatchSize.key} without filter_groups`, expected: "null, or the same number" });
});

const correction = "algorithm.rollout_correction";

export const algorithmRules: readonly VerlRule[] = [
  algorithmType,
  estimator,
  gamma,
  lam,
  normalize,
  filter,
  maxBatches,
  metric,
  ...idle("prompts are drawn one batch after the other", "algorithm.filter_groups.max_inflight_gen_batches"),
  genBatchSize,
  only("algorithm.use_pf_ppo", [false], "PF-PPO's resampling of the batch"),
  ...idle("read only with use_pf_ppo", "algorithm.pf_ppo.*"),
  only(`${correction}.rollout_is`, [], "importance weights between sampler and trainer", "Take it out: here the weights that train are the ones that sample"),
  only(`${correction}.rollout_rs`, [], "rejection of samples by their importance", "Take it out: here the weights that train are the ones that sample"),
  only(`${correction}.bypass_mode`, [false], "old log-probs from the sampler"),
  ...idle("read only with rollout_is or rollout_rs", `${correction}.*`),
  ...["gdpo_reward_keys", "gdpo_reward_weights"].map((key) => only(`algorithm.${key}`, [], "rewards of GDPO by key", "List the rewards with their weights under `verlet: { rewards: […] }`")),
];
