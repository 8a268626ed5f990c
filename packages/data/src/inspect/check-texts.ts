/** What training takes without a word, and what is most likely a slip in the data. */
import type { Columns, Message, Row } from "@verlet/core";
import { DataError } from "@verlet/core";
import { columnName, findColumn } from "../columns.js";
import { fromLayout } from "../layouts.js";

/** Roles that chat templates write; another one is rendered as it stands, or left out. */
const roles = ["system", "developer", "user", "assistant", "tool", "function", "ipython"];

/** @throws DataError for a message whose role no template knows, in a column that is trained on. */
export function requireKnownRoles(row: Row, columns: Columns, where: string): void {
  const read = [...(["messages", "prompt", "completion"] as const).map((role) => columnName(columns, role)), "chosen", "rejected"];
  for (const column of read) {
    for (const { role } of messagesIn(findColumn(row, column)?.value)) {
      if (!roles.includes(role)) throw new DataError({ where, what: `column "${column}" holds a message of an unknown role`, got: JSON.stringify(role), expected: `one of ${roles.join(", ")}` });
    }
  }
}

/** @throws DataError for a chat in which the assistant says nothing. */
export function requireAssistant(row: Row, columns: Columns, where: string): void {
  const column = columnName(columns, "messages");
  const chat = messagesIn(findColumn(row, column)?.value ?? fromLayout(row, columns, "messages", where)?.value);
  if (!chat.some(({ role, content }) => role === "assistant" && content.trim() !== "")) throw new DataError({ where, what: `column "${column}" holds no answer`, got: "a chat in which the assistant says nothing" });
}

/** @throws DataError for a text, or a chat, without any text. @returns the value */
export function requireText<T extends string | readonly Message[]>(value: T, column: string, where: string): T {
  const text = typeof value === "string" ? value : value.map(({ content }) => content).join("");
  if (text.trim() === "") throw new DataError({ where, what: `column "${column}" is empty`, got: "an answer without text" });
  return value;
}

function messagesIn(value: unknown): Message[] {
  return Array.isArray(value) ? (value as unknown[]).filter((one): one is Message => typeof (one as Message | null)?.role === "string" && typeof (one as Message).content === "string") : [];
}
