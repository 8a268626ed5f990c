/** Completions to try rewards on: the data set's own answers, or those that a run has sampled. */
import { DataError, type ChatTokenizer, type Message, type Prompt, type Rollout, type Row } from "@verlet/core";
import type { ResolvedConfig } from "@verlet/config";
import { columnName, findColumn, listColumns, preparePrompts, type RowSet } from "@verlet/data";

/** A row's own completion comes from the first of these columns that it has. */
export function answerColumns({ columns }: ResolvedConfig["data"]): string[] {
  return [...new Set([columnName(columns, "completion"), "solution", columnName(columns, "answer")])];
}

/** Each prompt of the data set, its text as it would be sampled from. */
export function promptsOf({ rows, where }: Pick<RowSet, "rows" | "where">, { data }: ResolvedConfig, tokenizer: ChatTokenizer): Prompt[] {
  return preparePrompts(rows, tokenizer, { ...data, maxPromptTokens: Infinity }, where).prompts;
}

/**
 * Each row's own answer as a completion: its completion, its solution, or its answer as it stands (JSON where it is no text).
 * @throws DataError for a row with none of them.
 */
export function ownAnswers(prompts: readonly Prompt[], { data }: ResolvedConfig, tokenizer: ChatTokenizer, where: (row: Row) => string): Rollout[] {
  const names = answerColumns(data);
  return prompts.map((prompt, group) => {
    const answer = names.map((name) => findColumn(prompt.row, name)?.value).find((value) => value !== undefined && value !== null);
    if (answer !== undefined) return asRollout(tokenizer, prompt, textOf(answer), group);
    throw new DataError({ where: where(prompt.row), what: "the row has no answer of its own", got: listColumns(prompt.row), expected: `one of the columns ${names.join(", ")}`, fix: "Set data.columns.completion or data.columns.answer, or give --rollouts" });
  });
}

/** The contents of the last message of a chat, a text as it is, anything else as JSON. */
function textOf(value: unknown): string {
  if (typeof value === "string") return value;
  const last = Array.isArray(value) ? (value.at(-1) as Partial<Message> | undefined) : undefined;
  return typeof last?.content === "string" ? last.content : JSON.stringify(value);
}

/**
 * The completions of a `rollouts/step-….jsonl`, or of `verlet eval --details`. The latter's lines hold the data set's row; for
 * the others it is the row with that prompt.
 * @throws DataError for a line without prompt or completion, and for a prompt that is in no row.
 */
export function readRollouts({ rows: lines, where }: Pick<RowSet, "rows" | "where">, prompts: readonly Prompt[], tokenizer: ChatTokenizer): Rollout[] {
  const byText = new Map(prompts.map((prompt) => [prompt.text, prompt]));
  return lines.map((line, i) => {
    const { prompt: text, completion, group = i, finished = true, row } = line;
    if (typeof text !== "string" || typeof completion !== "string") {
      throw new DataError({ where: where(i), what: "the line is no rollout", got: listColumns(line), expected: '"prompt" and "completion" as text' });
    }
    const prompt = isRow(row) ? { ids: tokenizer.encode(text, { addSpecialTokens: false }), text, row } : byText.get(text);
    if (prompt) return asRollout(tokenizer, prompt, completion, typeof group === "number" ? group : i, finished !== false);
    throw new DataError({
      where: where(i),
      what: "its prompt is that of no row of data.train",
      got: JSON.stringify(text.length > 80 ? `${text.slice(0, 79)}…` : text),
      fix: "Give the YAML of the run that the file came from",
    });
  });
}

function isRow(value: unknown): value is Row {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The completion's tokens are those of its text, and the stop token where one ended it. */
function asRollout(tokenizer: ChatTokenizer, prompt: Prompt, completion: string, group: number, finished = true): Rollout {
  const completionIds = [...tokenizer.encode(completion, { addSpecialTokens: false }), ...(finished ? [tokenizer.eosTokenId] : [])];
  return { prompt, group, completion, completionIds, finished, logProbs: new Float32Array(completionIds.length) };
}
