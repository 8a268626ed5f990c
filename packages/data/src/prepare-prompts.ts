/** Rows → prompts to sample from. */
import type { ChatTokenizer, DataSection, Prompt, Row } from "@verlet/core";
import { DataError } from "@verlet/core";
import { renderAt } from "./chat-parts.js";
import { columnName, columnOf } from "./columns.js";
import { parseTextOrMessages } from "./messages.js";
import { requireTemplateAllowed } from "./sft-parts.js";
import type { PromptReport } from "./reports.js";

export type PromptSection = Pick<DataSection, "columns" | "chatTemplate" | "maxPromptTokens">;

/**
 * A prompt of messages goes through the chat template with the generation prompt; a plain string does with
 * `chatTemplate: always`. Prompts of more than `maxPromptTokens` tokens are dropped and counted.
 * @throws DataError for a row without its prompt, no rows at all or none left.
 */
export function preparePrompts(
  rows: readonly Row[],
  tokenizer: ChatTokenizer,
  section: PromptSection,
  where: (i: number) => string,
): { prompts: Prompt[]; report: PromptReport } {
  if (rows.length === 0) throw new DataError({ where: "data", what: "there are no prompts", got: "0 rows", expected: "at least one" });
  const prompts: Prompt[] = [];
  const report: PromptReport = { read: rows.length, kept: 0, dropped: {}, tokens: 0, templated: 0 };
  const longest = { row: 0, tokens: 0 };
  for (const [i, row] of rows.entries()) {
    const { text, templated } = promptText(row, tokenizer, section, where(i));
    const ids = tokenizer.encode(text, { addSpecialTokens: !templated });
    report.templated += Number(templated);
    if (ids.length > longest.tokens) Object.assign(longest, { row: i, tokens: ids.length });
    const reason = ids.length === 0 ? "no token in it" : ids.length > section.maxPromptTokens ? `more than ${section.maxPromptTokens} tokens` : undefined;
    if (reason) {
      report.dropped[reason] = (report.dropped[reason] ?? 0) + 1;
      continue;
    }
    prompts.push({ ids, text, row });
    report.kept++;
    report.tokens += ids.length;
  }
  if (prompts.length === 0) {
    throw new DataError({
      where: where(longest.row),
      what: `all ${rows.length} prompts were dropped`,
      got: `up to ${longest.tokens} tokens`,
      expected: `from 1 to ${section.maxPromptTokens} tokens`,
      fix: "Raise data.maxPromptTokens",
    });
  }
  return { prompts, report };
}

/** The text that is sampled from. @throws DataError for a row without its prompt. */
export function promptText(row: Row, tokenizer: ChatTokenizer, { columns, chatTemplate }: Omit<PromptSection, "maxPromptTokens">, where: string): { text: string; templated: boolean } {
  const name = columnName(columns, "prompt");
  const prompt = parseTextOrMessages(columnOf(row, columns, "prompt", where), name, where);
  if (typeof prompt === "string" && chatTemplate !== "always") return { text: prompt, templated: false };
  requireTemplateAllowed(chatTemplate, where);
  const messages = typeof prompt === "string" ? [{ role: "user", content: prompt }] : prompt;
  if (messages.at(-1)!.role === "assistant") {
    throw new DataError({
      where,
      what: `the prompt in column "${name}" ends with an assistant message`,
      expected: "a prompt that the assistant answers",
      fix: "Remove the answer from the prompt",
    });
  }
  return { text: renderAt(tokenizer, messages, where, { addGenerationPrompt: true }), templated: true };
}
