import { mkdir, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { Rng, type ChatTokenizer, type DataSection, type Metrics, type Prompt, type Rollout, type ScoredBatch } from "@verlet/core";
import { loadBuiltins, loadPlugins, rolloutSchema } from "@verlet/config";
import { preparePrompts } from "@verlet/data";
import type { CausalLM } from "@verlet/model";
import { sampleGroups } from "@verlet/rollout";
import { readFileRows } from "../input-rows.js";
import { findFolders, openModel } from "../open-model.js";
import type { JsonFlag, ModelFlags } from "../options.js";
import { compact, print, printJson, progress, table } from "../output.js";
import { createRewards, parseRewards } from "../rewards.js";

export interface EvalFlags extends ModelFlags, JsonFlag {
  data: string;
  reward: string[];
  columns?: DataSection["columns"];
  chatTemplate: DataSection["chatTemplate"];
  maxSamples?: number;
  maxNewTokens?: number;
  temperature: number;
  seed: number;
  batchSize: number;
  details?: string;
  plugins?: string[];
}

export async function evaluate(flags: EvalFlags): Promise<void> {
  const start = performance.now();
  const { data, columns = {}, chatTemplate, maxSamples, details } = flags;
  const folders = await findFolders(flags);
  await loadBuiltins();
  await loadPlugins(flags.plugins ?? [], process.cwd());
  if (details !== undefined) await mkdir(dirname(details), { recursive: true });
  const choices = parseRewards(flags.reward);
  const { rows, where } = await readFileRows(data, "--data", maxSamples === undefined ? {} : { maxSamples });
  const { model, tokenizer, backend } = await openModel(folders, flags.backend);
  const { prompts } = preparePrompts(rows, tokenizer, { columns, chatTemplate, maxPromptTokens: Infinity }, where);
  const rewards = createRewards(choices, { columns, tokenizer, policy: model });
  const rollouts = await answer(model, tokenizer, prompts, flags);
  const scored = await rewards.score(rollouts, { step: 0, signal: new AbortController().signal });
  model.dispose();
  const metrics = { ...rewardMetrics(scored), ...lengthMetrics(rollouts) };
  const seconds = (performance.now() - start) / 1000;
  if (flags.json) printJson({ model: flags.model, data, rows: rows.length, metrics, backend: backend.name, seconds: Math.round(seconds * 10) / 10 });
  else {
    print(`${rows.length} rows of ${data}, answered by ${flags.model} on ${backend.name} in ${seconds.toFixed(1)} s`);
    print(table(Object.entries(metrics).map(([name, value]) => [`  ${name}`, compact(value)])));
  }
  if (details !== undefined) await writeFile(details, scored.rollouts.map((rollout) => `${JSON.stringify(describe(rollout))}\n`).join(""));
}

async function answer(model: CausalLM, tokenizer: ChatTokenizer, prompts: readonly Prompt[], flags: EvalFlags): Promise<Rollout[]> {
  const { temperature, maxNewTokens, batchSize, seed } = flags;
  const sampling = rolloutSchema.parse({ numGenerations: 1, temperature, maxNewTokens });
  const rng = new Rng(seed).fork("eval");
  const rollouts: Rollout[] = [];
  for (let done = 0; done < prompts.length; done += batchSize) {
    progress(`${done} of ${prompts.length} rows`);
    rollouts.push(...(await sampleGroups(model, tokenizer, prompts.slice(done, done + batchSize), sampling, rng, done)));
  }
  progress("");
  return rollouts;
}

/** Each reward's mean and deviation, and how many rows it could not score; their weighted sum says nothing here. */
function rewardMetrics({ metrics, rollouts }: ScoredBatch): Metrics {
  const unscored = Object.keys(rollouts[0]?.rewards ?? {}).flatMap((name) => {
    const count = rollouts.filter(({ rewards }) => rewards[name] === null).length;
    return count > 0 ? [[`rewards/${name}/unscored`, count]] : [];
  });
  return { ...Object.fromEntries(Object.entries(metrics).filter(([name]) => name.startsWith("rewards/"))), ...(Object.fromEntries(unscored) as Metrics) };
}

function lengthMetrics(rollouts: readonly Rollout[]): Metrics {
  const lengths = rollouts.map(({ completionIds }) => completionIds.length);
  const finished = rollouts.filter((rollout) => rollout.finished).length;
  return {
    "completions/mean_length": lengths.reduce((sum, length) => sum + length, 0) / lengths.length,
    "completions/max_length": lengths.reduce((most, length) => Math.max(most, length), 0),
    "completions/finished_ratio": finished / rollouts.length,
  };
}

function describe({ prompt, completion, finished, score, rewards, completionIds }: ScoredBatch["rollouts"][number]): object {
  return { prompt: prompt.text, completion, finished, tokens: completionIds.length, score, rewards, row: prompt.row };
}
