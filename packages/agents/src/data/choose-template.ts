/** Whether prompts go through the chat template: the same answer for SFT, RL and evaluation of one data set. */
import type { ChatTokenizer, Columns, DataSection, Row } from "@verlet/core";

type Choice = DataSection["chatTemplate"];

/**
 * Plain prompts go through the template of a model that has one, as its users ask it; those that hold the template's marks
 * already stay as they are. Rows of plain text alone, and models without a template, leave nothing to choose.
 */
export function chooseTemplate(tokenizer: ChatTokenizer, rows: readonly Row[], columns: Columns, given: Choice | undefined): Choice {
  if (given !== undefined) return given;
  const first = rows[0] ?? {};
  const prompt = first[columns.prompt ?? "prompt"];
  const isText = prompt === undefined && first[columns.text ?? "text"] !== undefined;
  if (!tokenizer.hasChatTemplate || isText) return "auto";
  if (typeof prompt === "string" && holdsMarks(tokenizer, prompt)) return "auto";
  return "always";
}

const CONTENT = "content";

/** Whether the text begins as a rendered chat does. */
function holdsMarks(tokenizer: ChatTokenizer, prompt: string): boolean {
  const opening = withoutOpening(tokenizer, tokenizer.renderChat([{ role: "user", content: CONTENT }]).split(CONTENT)[0]!).trim();
  return opening !== "" && prompt.includes(opening);
}

/** A rendered chat without the token that the tokenizer puts before any plain text (Llama's bos): as plain text it would have two. */
export function withoutOpening(tokenizer: ChatTokenizer, chat: string): string {
  const [first, second] = tokenizer.encode(chat);
  if (first === undefined || first !== second || first === tokenizer.encode(chat, { addSpecialTokens: false })[1]) return chat;
  const opening = tokenizer.decode([first]);
  return chat.startsWith(opening) ? chat.slice(opening.length) : chat;
}
