import { ConfigError, Rng, type EvalResult, type Metrics, type Rollout, type Row, type ScoredBatch, type Trainer } from "@verlet/core";
import type { ResolvedConfig } from "@verlet/config";
import { placeOf, preparePrompts, readRows } from "@verlet/data";
import { sampleGroups } from "@verlet/rollout";
import { rowLimit } from "./prepare-training.js";
import type { Session } from "./session.js";

export interface EvaluateOptions {
  /** The optimizer step it belongs to; 0 outside training. */
  step: number;
  signal: AbortSignal;
  /** Also give every question with its completion and scores. */
  details?: boolean;
}

/**
 * Answers each row's prompt greedily and scores the answers with the configured rewards. Without rewards only the
 * completions' lengths are measured. Greedy answers draw on no random stream, so evaluating changes nothing in training.
 */
export async function generateAndScore(
  { policy, tokenizer, rewards }: Pick<Session, "policy" | "tokenizer" | "rewards">,
  config: ResolvedConfig,
  rows: readonly Row[],
  { step, signal, details = false }: EvaluateOptions,
): Promise<EvalResult> {
  const { prompts } = preparePrompts(rows, tokenizer, config.data, (i) => placeOf(rows[i]!) ?? `evaluation row ${i + 1}`);
  const section = {
    ...config.rollout,
    numGenerations: 1,
    temperature: 0,
    // As many rows at a time as training samples, so that what fits there fits here.
    batchSize: config.rollout.batchSize || config.trainer.batchSize * config.rollout.numGenerations,
  };
  const rollouts = await sampleGroups(policy, tokenizer, prompts, section, new Rng(0));
  const scored = await rewards?.score(rollouts, { step, signal });
  return {
    metrics: { ...scored?.metrics, ...(scored && accuracy(scored, config.verifier)), ...lengthMetrics(rollouts) },
    ...(details && { details: describeEach(rollouts, scored) }),
  };
}

/** `acc`: share of the answers that the verifier could score and calls right, by a score above 0 whatever its scale. */
function accuracy({ rollouts }: ScoredBatch, verifier: string | undefined): Metrics {
  const values = rollouts.flatMap(({ rewards }) => (verifier === undefined ? [] : (rewards[verifier] ?? [])));
  return values.length > 0 ? { acc: values.filter((value) => value > 0).length / values.length } : {};
}

function lengthMetrics(rollouts: readonly Rollout[]): Metrics {
  const total = rollouts.reduce((sum, { completionIds }) => sum + completionIds.length, 0);
  const clipped = rollouts.filter(({ finished }) => !finished).length;
  return { "completions/mean_length": total / rollouts.length, "completions/clipped_ratio": clipped / rollouts.length };
}

function describeEach(rollouts: readonly Rollout[], scored: ScoredBatch | undefined): EvalResult["details"] {
  return rollouts.map(({ prompt, completion }, i) => ({
    prompt: prompt.text,
    completion,
    score: scored?.rollouts[i]?.score ?? null,
    rewards: { ...scored?.rollouts[i]?.rewards },
    row: prompt.row,
  }));
}

/** The rows of `dataPath` or `data.eval`. @param log takes what a reader tells the user @throws ConfigError when neither path is given. */
export async function readEvalRows({ data }: ResolvedConfig, log: (line: string) => void, dataPath = data.eval): Promise<readonly Row[]> {
  if (dataPath === undefined) {
    throw new ConfigError({ where: "data.eval", what: "there is nothing to evaluate on", fix: "Set data.eval, or give evaluate a dataPath" });
  }
  return (await readRows(dataPath, { ...rowLimit(data.maxEvalSamples), columns: data.columns, log })).rows;
}

/** The algorithm's own measure where it has one, otherwise greedy answers and their rewards; names begin with `eval/`. */
export async function evaluateModel(
  session: Session,
  trainer: Pick<Trainer, "evaluate"> | undefined,
  config: ResolvedConfig,
  rows: readonly Row[],
  options: EvaluateOptions,
): Promise<EvalResult> {
  const own = await trainer?.evaluate?.(rows);
  if (own && !options.details) return { metrics: evalMetrics(own) };
  const { metrics, details } = await generateAndScore(session, config, rows, options);
  return { metrics: evalMetrics({ ...metrics, ...own }), ...(details && { details }) };
}

/** `eval/` before each name, as they stand in metrics.jsonl. */
function evalMetrics(metrics: Metrics): Metrics {
  return Object.fromEntries(Object.entries(metrics).map(([name, value]) => [`eval/${name}`, value]));
}
