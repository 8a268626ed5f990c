/** What a row of `verlet score` asks for: tokens, and which of them are to be scored. */
import { DataError, type ChatTokenizer, type Row } from "@verlet/core";
import { detectFormat, sftParts, tokenizeParts } from "@verlet/data";

export interface ScoredTokens {
  ids: number[];
  /** Positions in `ids`, from 1 on: the first token has nothing before it. */
  scored: number[];
}

/**
 * `input_ids`, `text` and `messages`: every token from the second on. `prompt` and `completion`: the completion's, tokenised
 * as in training. Chats go through the chat template.
 */
export function readScoredRow(row: Row, tokenizer: ChatTokenizer, vocabSize: number, where: string): ScoredTokens {
  if ("input_ids" in row) {
    const ids = readIds(row.input_ids, vocabSize, where);
    return { ids, scored: ids.map((_, t) => t).slice(1) };
  }
  const format = formatOf(row, where);
  const { parts, templated } = sftParts(format, row, tokenizer, { columns: {}, chatTemplate: "auto", trainOn: "auto" }, where);
  const { ids, mask } = tokenizeParts(tokenizer, parts, !templated);
  if (ids.length === 0) throw new DataError({ where, what: "there is no token in this row", fix: "Leave the row out" });
  return { ids, scored: ids.map((_, t) => t).filter((t) => t > 0 && mask[t] === 1) };
}

function formatOf(row: Row, where: string): ReturnType<typeof detectFormat> {
  try {
    return detectFormat(row, {}, where);
  } catch (error) {
    if (!(error instanceof DataError)) throw error;
    throw new DataError({ where, what: "nothing to score in this row", got: error.parts.got ?? "", expected: '"input_ids", "text", "prompt" and "completion", or "messages"' });
  }
}

function readIds(value: unknown, vocabSize: number, where: string): number[] {
  const wrong = (got: string): DataError => new DataError({ where, what: "input_ids is no list of tokens", got, expected: `whole numbers from 0 to ${vocabSize - 1}` });
  if (!Array.isArray(value)) throw wrong(value === null ? "null" : `a ${typeof value}`);
  if (value.length === 0) throw wrong("an empty list");
  const bad = value.findIndex((id) => !Number.isInteger(id) || (id as number) < 0 || (id as number) >= vocabSize);
  if (bad >= 0) throw wrong(`${JSON.stringify(value[bad])} at place ${bad}`);
  return value as number[];
}
