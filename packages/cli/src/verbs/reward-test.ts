import {
  ANSWER_COLUMN,
  CONFIG,
  ConfigError,
  REWARDS,
  SIGNAL,
  TOKENIZER,
  createComponent,
  createRunContainer,
  type ChatTokenizer,
  type ConfiguredReward,
  type RewardManager,
} from "@verlet/core";
import { loadConfig, type ResolvedConfig } from "@verlet/config";
import { columnName, describeSource, placeOf, readRows } from "@verlet/data";
import { huggingFaceFolder } from "@verlet/manager";
import { readFileRows } from "../input-rows.js";
import type { JsonFlag } from "../options.js";
import { note, print, printJson } from "../output.js";
import { describeScores } from "../reward-report.js";
import { reportText } from "../reward-report-text.js";
import { answerColumns, ownAnswers, promptsOf, readRollouts } from "../reward-samples.js";

export interface RewardTestFlags extends JsonFlag {
  rollouts?: string;
  limit?: number;
}

/** Runs the YAML's rewards over completions that are there already; ends with status 1 where one of them failed. */
export async function rewardTest(yaml: string, overrides: readonly string[], { rollouts: file, limit, json }: RewardTestFlags): Promise<void> {
  const { config } = await loadConfig(yaml, overrides);
  if (config.rewards.length === 0) {
    throw new ConfigError({ where: yaml, what: "there is nothing to test", got: `algorithm ${config.algorithm.name}, which uses no rewards`, expected: "an algorithm with rewards" });
  }
  const tokenizer = await huggingFaceFolder.loadTokenizer(config.model);
  const lines = file === undefined ? undefined : await readFileRows(file, "--rollouts", limit === undefined ? {} : { maxSamples: limit });
  const source = describeSource(config.data.train);
  const { rows, where } = await readRows(config.data.train, { columns: config.data.columns, defaultSplit: "train", log: note });
  const prompts = promptsOf({ rows: lines ? rows : rows.slice(0, limit), where }, config, tokenizer);
  const rollouts = lines ? readRollouts(lines, prompts, tokenizer) : ownAnswers(prompts, config, tokenizer, (row) => placeOf(row) ?? source);
  const scored = await createManager(config, tokenizer).score(rollouts, { step: 0, signal: new AbortController().signal });
  const weights = Object.fromEntries(config.rewards.map(({ name, weight }) => [name, weight]));
  const report = describeScores(scored, weights, ({ prompt }, i) => lines?.where(i) ?? placeOf(prompt.row) ?? `row ${i + 1}`);
  const from = lines ? { rollouts: file } : { data: source, columns: answerColumns(config.data) };
  if (json) printJson({ config: yaml, ...from, ...report });
  else print(reportText(report, lines ? `completions of ${file}` : `rows of ${source}, each with its own answer (${answerColumns(config.data).join(", ")})`));
  if (report.rewards.some(({ errors }) => errors > 0)) process.exitCode = 1;
}

/** The manager of the YAML; a reward that fails is written down and the next sample tried, whatever its `onError`. */
function createManager(config: ResolvedConfig, tokenizer: ChatTokenizer): RewardManager {
  const container = createRunContainer();
  container.register(CONFIG, { useValue: config });
  container.register(TOKENIZER, { useValue: tokenizer });
  container.register(SIGNAL, { useValue: new AbortController().signal });
  const rewards = config.rewards.map(
    ({ name, weight, timeout, options }): ConfiguredReward => ({ name, weight, timeout, options: { ...options }, onError: "skip", reward: createComponent("reward", name, options, container) }),
  );
  container.register(REWARDS, { useValue: rewards });
  container.register(ANSWER_COLUMN, { useValue: columnName(config.data.columns, "answer") });
  return createComponent("rewardManager", config.rewardManager.name, config.rewardManager.options, container);
}
