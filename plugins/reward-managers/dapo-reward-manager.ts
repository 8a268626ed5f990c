import { CONFIG, ConfigError, REWARDS, registerRewardManager, registry, z } from "@verlet/core";
import type { ConfiguredReward, ErrorParts, RunSections, ScoredRollout } from "@verlet/core";
import { addMean, overlongPenalty } from "@verlet/data";
import { managerOf } from "./manager-of.js";
import { naiveOptions, sampleBySample } from "./naive-reward-manager.js";

const options = naiveOptions
  .extend({
    maxResponseLength: z.number().int().min(1).describe("the longest completion in tokens, usually rollout.maxNewTokens"),
    overlongBufferLength: z.number().int().min(1).describe("tokens before maxResponseLength over which the penalty grows"),
    penaltyFactor: z.number().gt(0).default(1).describe("penalty at maxResponseLength"),
    bounded: z.boolean().default(true).describe("no more than penaltyFactor beyond maxResponseLength; false goes on falling (verl)"),
  })
  .refine(({ maxResponseLength, overlongBufferLength }) => overlongBufferLength <= maxResponseLength, {
    path: ["overlongBufferLength"],
    message: "it may not exceed maxResponseLength",
  });

type DapoOptions = z.infer<typeof options>;
type Config = RunSections & { readonly advantage?: { readonly name: string } };

/** What a row's penalty is called among its `extras`, and the metrics' first part. */
const PENALTY = "overlong_penalty";

/**
 * The `naive` manager with DAPO's soft overlong punishment added to each row's score; the rewards themselves stay as they
 * are, and a row that could not be scored gets no penalty. Metrics: `overlong_penalty/mean` over the scored rows, and
 * `overlong_penalty/ratio`, the share of them that has one; each row holds its own in `extras`.
 *
 * After verl's DAPORewardManager, which differs: its penalty has no lower bound (here with `bounded: false`), and without the
 * lengths it adds none, in silence; here they must be given.
 */
export const dapo = registerRewardManager("dapo", { options, doc: "naive, with DAPO's soft overlong punishment added to each score." })((chosen, container) => {
  const config = container.isRegistered(CONFIG, true) ? container.resolve<Config>(CONFIG) : undefined;
  const problem = problemOf(chosen, container.resolve<ConfiguredReward[]>(REWARDS), config);
  if (problem) throw new ConfigError({ where: "rewardManager dapo", ...problem });
  const manager = managerOf(container, sampleBySample(chosen.concurrency), (row) => penalised(row, chosen));
  return {
    async score(rollouts, context) {
      const { rollouts: scored, metrics } = await manager.score(rollouts, context);
      const penalties = scored.flatMap(({ extras }) => extras?.[PENALTY] ?? []);
      addMean(metrics, `${PENALTY}/mean`, penalties);
      addMean(metrics, `${PENALTY}/ratio`, penalties.map((penalty) => Number(penalty < 0)));
      return { rollouts: scored, metrics };
    },
  };
});

function penalised(row: ScoredRollout, { maxResponseLength, overlongBufferLength, penaltyFactor, bounded }: DapoOptions): ScoredRollout {
  if (row.score === null) return row;
  const shape = { maxLength: maxResponseLength, buffer: overlongBufferLength, factor: penaltyFactor, bounded };
  const penalty = overlongPenalty(row.completionIds.length, shape);
  return { ...row, score: row.score + penalty, extras: { ...row.extras, [PENALTY]: penalty } };
}

/** A configuration in which the penalty would count twice or not at all. */
function problemOf({ maxResponseLength, overlongBufferLength }: DapoOptions, rewards: readonly ConfiguredReward[], config: Config | undefined): Omit<ErrorParts, "where"> | undefined {
  if (rewards.some(({ name }) => name === "overlong")) {
    return { what: "the same penalty twice", got: "the reward overlong beside it", fix: "Take that reward out, or use rewardManager: naive" };
  }
  if (!config) return undefined;
  const free = maxResponseLength - overlongBufferLength;
  const { maxNewTokens } = config.rollout;
  if (maxNewTokens <= free) {
    return { what: "no completion is long enough for a penalty", got: `rollout.maxNewTokens ${maxNewTokens}, and none up to ${free} tokens`, fix: "Set maxResponseLength to rollout.maxNewTokens" };
  }
  const advantage = config.advantage?.name;
  if (advantage && registry.find("advantage", advantage)?.needs.perRewardScores) {
    return { what: "its penalty would not reach the advantage", got: `advantage ${advantage}, which reads each reward by itself`, fix: "Use rewardManager: naive and the reward overlong" };
  }
  return undefined;
}
