/** The text of one row, cut into what is trained and what is not. */
import type { ChatTokenizer, DataSection, Message, Row } from "@verlet/core";
import { DataError } from "@verlet/core";
import { assistantParts, promptAndCompletion, renderAt } from "./chat-parts.js";
import { columnName, columnOf } from "./columns.js";
import type { RowFormat } from "./columns.js";
import { parseMessages, parseText, parseTextOrMessages } from "./messages.js";
import type { TextPart } from "./segments.js";

type PartsSection = Pick<DataSection, "columns" | "chatTemplate" | "trainOn">;

/** @throws DataError where rows of this format have no such part. */
export function checkTrainOn(format: RowFormat, trainOn: DataSection["trainOn"], where: string): void {
  const possible = { "prompt-completion": ["completion", "assistant", "all"], messages: ["assistant", "all"], text: ["all"] }[format];
  if (trainOn === "auto" || possible.includes(trainOn)) return;
  throw new DataError({
    where,
    what: `data.trainOn does not fit ${format} rows`,
    got: trainOn,
    expected: `auto, ${possible.join(" or ")}`,
    fix: "Change data.trainOn, or name other columns under data.columns",
  });
}

/** The text of a row, cut into trained and untrained parts. */
export function sftParts(
  format: RowFormat,
  row: Row,
  tokenizer: ChatTokenizer,
  { columns, chatTemplate, trainOn }: PartsSection,
  where: string,
): { parts: TextPart[]; templated: boolean } {
  const column = (role: "prompt" | "completion" | "messages" | "text"): [unknown, string, string] => [
    columnOf(row, columns, role, where),
    columnName(columns, role),
    where,
  ];
  if (format === "text") {
    if (chatTemplate === "always") {
      throw new DataError({ where, what: "data.chatTemplate: always does not fit text rows", fix: "Use prompt and completion columns, or chatTemplate: auto" });
    }
    return { parts: [{ text: parseText(...column("text")), trained: true }], templated: false };
  }
  if (format === "messages") {
    const messages = parseMessages(...column("messages"));
    requireTemplateAllowed(chatTemplate, where);
    const parts = trainOn === "assistant" ? assistantParts(tokenizer, messages, where) : [{ text: renderAt(tokenizer, messages, where), trained: true }];
    return { parts, templated: true };
  }
  const prompt = parseTextOrMessages(...column("prompt"));
  const completion = parseTextOrMessages(...column("completion"));
  if (typeof prompt === "string" && typeof completion === "string" && chatTemplate !== "always") {
    if (trainOn === "assistant") {
      throw new DataError({ where, what: "data.trainOn: assistant needs a chat", got: "plain strings", fix: "Set data.chatTemplate: always, or trainOn: completion" });
    }
    const parts = [
      { text: prompt, trained: trainOn === "all" },
      { text: completion, trained: true },
    ];
    return { parts, templated: false };
  }
  requireTemplateAllowed(chatTemplate, where);
  const [asked, answered] = [asMessages(prompt, "user"), asMessages(completion, "assistant")];
  if (trainOn === "assistant") return { parts: assistantParts(tokenizer, [...asked, ...answered], where), templated: true };
  const parts = promptAndCompletion(tokenizer, asked, answered, where);
  return { parts: parts.map((part) => ({ ...part, trained: part.trained || trainOn === "all" })), templated: true };
}

function asMessages(value: string | Message[], role: string): Message[] {
  return typeof value === "string" ? [{ role, content: value }] : value;
}

export function requireTemplateAllowed(chatTemplate: DataSection["chatTemplate"], where: string): void {
  if (chatTemplate !== "never") return;
  throw new DataError({
    where,
    what: "messages cannot be joined without a chat template",
    got: "data.chatTemplate: never",
    fix: "Set data.chatTemplate to auto, or use columns of plain text",
  });
}
