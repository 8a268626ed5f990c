/** Texts and chats out of rows. */
import type { Message } from "@verlet/core";
import { DataError } from "@verlet/core";
import { shorten } from "./shorten.js";

/** ShareGPT's names of the roles. */
const roles: Readonly<Record<string, string>> = { human: "user", user: "user", gpt: "assistant", chatgpt: "assistant", bard: "assistant", bing: "assistant", assistant: "assistant", system: "system", observation: "tool", tool: "tool" };

/** @throws DataError unless the value is a list of `{ role, content }`, or ShareGPT's `{ from, value }`, with strings in both. */
export function parseMessages(value: unknown, column: string, where: string): Message[] {
  const wrong = (what: string, got: unknown): DataError =>
    new DataError({
      where,
      what: `column "${column}" ${what}`,
      got: shorten(JSON.stringify(got) ?? String(got), 120),
      expected: 'a list of messages such as [{"role": "user", "content": "Hi"}]',
    });
  if (!Array.isArray(value)) throw wrong("is no list of messages", value);
  if (value.length === 0) throw wrong("holds no message", value);
  return (value as (Partial<Message> & { from?: unknown; value?: unknown } | null)[]).map((message) => {
    if (typeof message?.role === "string" && typeof message.content === "string") return message as Message;
    if (typeof message?.from !== "string" || typeof message.value !== "string") throw wrong("holds something that is no message", message);
    const role = Object.hasOwn(roles, message.from) ? roles[message.from] : undefined;
    if (role === undefined) throw wrong(`holds a message from "${message.from}", which is none of ${Object.keys(roles).join(", ")}`, message);
    return { role, content: message.value };
  });
}

/** A prompt or completion: plain text or messages. */
export function parseTextOrMessages(value: unknown, column: string, where: string): string | Message[] {
  if (typeof value === "string") return value;
  if (Array.isArray(value)) return parseMessages(value, column, where);
  throw new DataError({
    where,
    what: `column "${column}" holds neither text nor messages`,
    got: value === null ? "null" : `a ${typeof value}`,
    expected: "a string or a list of messages",
  });
}

export function parseText(value: unknown, column: string, where: string): string {
  if (typeof value === "string") return value;
  throw new DataError({ where, what: `column "${column}" holds no text`, got: value === null ? "null" : `a ${typeof value}`, expected: "a string" });
}
