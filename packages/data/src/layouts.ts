/** Row layouts that are known by their columns: what Alpaca, ShareGPT and GSM8K rows hold under names of their own. */
import type { Columns, Message, Row } from "@verlet/core";
import { DataError } from "@verlet/core";
import type { ColumnRole, FoundColumn } from "./columns.js";
import { parseMessages, parseText } from "./messages.js";

interface Layout {
  name: string;
  fits(row: Row, columns: Columns): boolean;
  roles: Partial<Record<ColumnRole, (row: Row, columns: Columns, where: string) => unknown>>;
}

/** The answer of a worked solution. */
const solutionEnd = /#### *\S/;

/**
 * `question` and `answer`, the answer a worked solution that ends in `#### 72`: the whole of it is the completion, with the
 * `<<48/2=24>>` marks of the calculator as they stand.
 */
const gsm8k: Layout = {
  name: "GSM8K",
  fits: ({ question, answer }) => typeof question === "string" && typeof answer === "string" && solutionEnd.test(answer),
  roles: { prompt: ({ question }) => question, completion: ({ answer }) => answer },
};

/**
 * `instruction`, `input`, `output`, as LLaMA-Factory reads them: one user's turn of instruction and input, a line apart, and
 * the answer; `system` comes first and `history`, pairs of question and answer, before the turn where they are there.
 */
const alpaca: Layout = {
  name: "Alpaca",
  fits: ({ instruction, output }) => typeof instruction === "string" && typeof output === "string",
  roles: { prompt: alpacaPrompt, completion: ({ output }) => output },
};

/** A chat, as `messages` or as ShareGPT's `conversations`; sampled from, it is asked again what its last answer was given to. */
const chat: Layout = {
  name: "ShareGPT",
  fits: (row, columns) => Array.isArray(row[chatColumn(row, columns)]),
  roles: {
    messages: (row, columns, where) => chatOf(row, columns, where),
    prompt: (row, columns, where) => withoutAnswer(chatOf(row, columns, where), chatColumn(row, columns), where),
  },
};

const layouts: readonly Layout[] = [gsm8k, alpaca, chat];

/** The name of the row's layout, for messages; a chat of roles and contents has none. */
export function layoutName(row: Row): string | undefined {
  const layout = layouts.find(({ fits }) => fits(row, {}));
  const isPlainChat = layout === chat && !(row[chatColumn(row, {})] as (object | null)[]).some((message) => message !== null && typeof message === "object" && "from" in message);
  return isPlainChat ? undefined : layout?.name;
}

export function layoutHas(row: Row, columns: Columns, role: ColumnRole): boolean {
  return layouts.some((layout) => layout.roles[role] !== undefined && layout.fits(row, columns));
}

/** What the row's layout holds in a role for which there is no column. @throws DataError for a broken chat. */
export function fromLayout(row: Row, columns: Columns, role: ColumnRole, where: string): FoundColumn | undefined {
  const read = layouts.find((layout) => layout.roles[role] !== undefined && layout.fits(row, columns))?.roles[role];
  return read && { value: read(row, columns, where) };
}

/**
 * What rewards compare with: the column's value, but of a GSM8K solution the number after `####`, its thousands separators
 * taken out as verl's preparation does.
 */
export function answerIn(row: Row, column: string, value: unknown): unknown {
  if (column !== "answer" || !gsm8k.fits(row, {})) return value;
  return (value as string).split("####").at(-1)!.trim().replaceAll(/(?<=\d),(?=\d)/g, "");
}

function alpacaPrompt(row: Row, _: Columns, where: string): Message[] {
  const turn = [row.instruction, row.input].filter((part) => part !== undefined && part !== null && part !== "").map((part) => parseText(part, "input", where));
  const history = Array.isArray(row.history) ? (row.history as unknown[]) : [];
  const earlier = history.flatMap((pair): Message[] => {
    const [question, answer] = Array.isArray(pair) ? (pair as unknown[]) : [];
    return [
      { role: "user", content: parseText(question, "history", where) },
      { role: "assistant", content: parseText(answer, "history", where) },
    ];
  });
  return [...systemOf(row), ...earlier, { role: "user", content: turn.join("\n") }];
}

/** The messages; ShareGPT rows may have their system prompt in a column beside. */
function chatOf(row: Row, columns: Columns, where: string): Message[] {
  const column = chatColumn(row, columns);
  const messages = parseMessages(row[column], column, where);
  return column === "conversations" && messages[0]!.role !== "system" ? [...systemOf(row), ...messages] : messages;
}

function chatColumn(row: Row, { messages }: Columns): string {
  return messages ?? (Object.hasOwn(row, "messages") ? "messages" : "conversations");
}

function systemOf({ system }: Row): Message[] {
  return typeof system === "string" && system !== "" ? [{ role: "system", content: system }] : [];
}

function withoutAnswer(messages: readonly Message[], column: string, where: string): readonly Message[] {
  if (messages.at(-1)!.role !== "assistant") return messages;
  if (messages.length > 1) return messages.slice(0, -1);
  throw new DataError({ where, what: `column "${column}" holds an answer alone`, expected: "a question before it" });
}
