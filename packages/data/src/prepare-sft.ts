/** Rows → token sequences with a loss mask, in the way of TRL's SFTTrainer, but nothing is cut or dropped without being counted. */
import type { ChatTokenizer, DataSection, Row } from "@verlet/core";
import { DataError } from "@verlet/core";
import { detectFormat } from "./columns.js";
import type { RowFormat } from "./columns.js";
import type { PrepareReport } from "./reports.js";
import { checkTrainOn, sftParts } from "./sft-parts.js";
import { tokenizeParts } from "./segments.js";
import type { Segmented, TextPart } from "./segments.js";
import { shorten } from "./shorten.js";

/** One training sequence: a row of the data, or several of them packed into one. */
export interface SftExample {
  /** At most `data.maxLength` tokens. */
  ids: number[];
  /** 1 = this token is trained; the first token of a row has no prediction, whatever its mask. */
  mask: Uint8Array;
  /** The row that it was made of; the first one of several. */
  row: Row;
  /** Tokens of each example in a packed sequence, in order. */
  lengths?: readonly number[];
}

export type SftSection = Pick<DataSection, "columns" | "chatTemplate" | "trainOn" | "maxLength">;

/**
 * @param where `file:row` of the i-th row.
 * @throws DataError for a row without the needed columns, a template that leaves the stop token untrained, no rows at all
 * or none left.
 */
export function prepareSft(
  rows: readonly Row[],
  tokenizer: ChatTokenizer,
  section: SftSection,
  where: (i: number) => string,
): { examples: SftExample[]; report: PrepareReport } {
  if (rows.length === 0) throw new DataError({ where: "data", what: "there are no rows to train on", got: "0 rows", expected: "at least one" });
  const usual = detectFormat(rows[0]!, section.columns, where(0));

  const examples: SftExample[] = [];
  const report: PrepareReport = { read: rows.length, kept: 0, dropped: {}, truncated: 0, tokens: 0, trainedTokens: 0, split: 0, templated: 0 };
  for (const [i, row] of rows.entries()) {
    const format = detectFormat(row, section.columns, where(i), usual);
    checkTrainOn(format, section.trainOn, where(i));
    const { ids, mask, split, templated } = tokenizeSftRow(format, row, tokenizer, section, where(i));
    const kept = Math.min(ids.length, section.maxLength);
    const trained = mask.slice(1, kept).reduce((sum, one) => sum + one, 0);
    report.templated += Number(templated);
    report.split += Number(split);
    if (trained === 0) {
      const reason = `no trained token within ${section.maxLength} tokens`;
      report.dropped[reason] = (report.dropped[reason] ?? 0) + 1;
      continue;
    }
    examples.push({ ids: ids.slice(0, kept), mask: Uint8Array.from(mask.slice(0, kept)), row });
    report.kept++;
    report.truncated += Number(kept < ids.length);
    report.tokens += kept;
    report.trainedTokens += trained;
  }
  if (examples.length === 0) {
    throw new DataError({
      where: where(0),
      what: `all ${rows.length} rows were dropped`,
      got: Object.keys(report.dropped).join("; "),
      expected: "at least one row with a token to train",
      fix: "Raise data.maxLength",
    });
  }
  return { examples, report };
}

/**
 * One row's tokens before any limit, [T], and which of them are trained; the stop token among them, put at the end of plain text.
 * @throws DataError as `prepareSft`.
 */
export function tokenizeSftRow(format: RowFormat, row: Row, tokenizer: ChatTokenizer, section: Omit<SftSection, "maxLength">, where: string): Segmented & { templated: boolean } {
  const { parts, templated } = sftParts(format, row, tokenizer, section, where);
  const { ids, mask, split } = tokenizeParts(tokenizer, parts, !templated);
  if (templated) requireStop(tokenizer, parts, ids, mask, where);
  else if (ids.at(-1) !== tokenizer.eosTokenId) {
    ids.push(tokenizer.eosTokenId);
    mask.push(1);
  }
  return { ids, mask, split, templated };
}

/** A model that never sees its stop token trained never stops. */
function requireStop(tokenizer: ChatTokenizer, parts: readonly TextPart[], ids: readonly number[], mask: readonly number[], where: string): void {
  if (ids.some((id, i) => mask[i] === 1 && tokenizer.stopTokenIds.includes(id))) return;
  const stops = tokenizer.stopTokenIds.map((id) => tokenizer.decode([id])).join(" or ");
  const sample = parts.map(({ text, trained }) => (trained && text ? `⟦${text}⟧` : text)).join("");
  throw new DataError({
    where,
    what: "the chat template leaves the stop token untrained, so the model would never learn to stop",
    got: `${JSON.stringify(shorten(sample, 400))} with ⟦⟧ around what is trained`,
    expected: `${stops} inside the trained part`,
    fix: "Add the token that ends a turn to eos_token_id in generation_config.json, or move it inside the template's generation block",
  });
}
