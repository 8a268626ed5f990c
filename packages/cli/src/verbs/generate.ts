import { Rng, type DataSection, type Message, type Prompt, type Rollout, type Row } from "@verlet/core";
import { rolloutSchema } from "@verlet/config";
import { columnName, preparePrompts, type RowSet } from "@verlet/data";
import { sampleGroups } from "@verlet/rollout";
import { readInputRows } from "../input-rows.js";
import { findFolders, openModel } from "../open-model.js";
import type { JsonFlag, ModelFlags } from "../options.js";
import { float32, note, print, printJson, progress } from "../output.js";
import { UsageError } from "../report-error.js";

export interface GenerateFlags extends ModelFlags, JsonFlag {
  prompt?: string[];
  input?: string;
  columns?: DataSection["columns"];
  chat?: boolean;
  n: number;
  seed: number;
  maxNewTokens?: number;
  temperature?: number;
  topP?: number;
  topK?: number;
  minP?: number;
  repetitionPenalty?: number;
  batchSize: number;
}

export async function generate(flags: GenerateFlags): Promise<void> {
  const { json, n } = flags;
  const folders = await findFolders(flags);
  const { rows, where } = await readPrompts(flags);
  const { model, tokenizer } = await openModel(folders, flags.backend);
  const section = { columns: flags.columns ?? {}, chatTemplate: flags.chat ? "always" : "auto", maxPromptTokens: Infinity } as const;
  const { prompts, report } = preparePrompts(rows, tokenizer, section, where);
  for (const [reason, count] of Object.entries(report.dropped)) note(`${count} of ${rows.length} prompts left out: ${reason}`);

  const { temperature, maxNewTokens, topP, topK, minP, repetitionPenalty, batchSize, seed } = flags;
  const sampling = rolloutSchema.parse({ numGenerations: n, temperature, maxNewTokens, topP, topK, minP, repetitionPenalty, batchSize });
  const indexOf = new Map(rows.map((row, i) => [row, i]));
  const write = json ? writeJson : prompts.length * n === 1 ? ({ completion }: Rollout) => print(completion) : writeText;
  const column = columnName(section.columns, "prompt");
  const rng = new Rng(seed).fork("generate");
  const together = Math.max(1, Math.floor(batchSize / n));
  for (let start = 0; start < prompts.length; start += together) {
    progress(`${start} of ${prompts.length} prompts`);
    const rollouts = await sampleGroups(model, tokenizer, prompts.slice(start, start + together), sampling, rng);
    progress("");
    rollouts.forEach((rollout, i) => write(rollout, indexOf.get(rollout.prompt.row)!, i % n, column));
  }
  model.dispose();
}

/** `--prompt` texts as rows, or the rows of `--input`. */
async function readPrompts({ prompt, input, columns }: GenerateFlags): Promise<RowSet> {
  if (prompt === undefined) return readInputRows(input);
  if (input !== undefined) throw new UsageError("give --prompt or --input, not both");
  const rows: Row[] = prompt.map((text) => ({ [columnName(columns ?? {}, "prompt")]: text }));
  return { rows, where: (i) => `--prompt ${i + 1}` };
}

function writeText({ prompt, completion }: Rollout, index: number, sample: number, column: string): void {
  print(`── ${index + 1}.${sample + 1}  ${firstLine(asked(prompt, column))}`);
  print(completion);
}

/** The prompt without the chat template around it: the text, or the last message. */
function asked({ row, text }: Prompt, column: string): string {
  const value = row[column] as string | Message[] | undefined;
  return typeof value === "string" ? value : (value?.at(-1)?.content ?? text);
}

function firstLine(text: string): string {
  const line = text.trim().split("\n")[0]!;
  return line.length > 60 ? `${line.slice(0, 59)}…` : line;
}

/** `index` counts the rows from 0, as they were given. */
function writeJson({ prompt, completion, completionIds, logProbs, finished }: Rollout, index: number, sample: number): void {
  printJson({ index, sample, prompt: prompt.text, completion, finished, token_ids: completionIds, logprobs: Array.from(logProbs, float32) });
}
