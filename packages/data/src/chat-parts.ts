/** Splits rendered chats into parts that are trained and parts that are not. */
import type { ChatTokenizer, Message } from "@verlet/core";
import { DataError, VerletError } from "@verlet/core";
import type { TextPart } from "./segments.js";
import { shorten } from "./shorten.js";

/** Renders a chat; an error of the template gets the row's place. */
export function renderAt(
  tokenizer: ChatTokenizer,
  messages: readonly Message[],
  where: string,
  options: { addGenerationPrompt?: boolean } = {},
): string {
  try {
    return tokenizer.renderChat(messages, options);
  } catch (error) {
    throw error instanceof VerletError ? new DataError({ ...error.parts, where }, { cause: error }) : error;
  }
}

/**
 * Prompt and completion as one chat, cut where the generation prompt ends: what the template writes after the completion's
 * stop token counts as completion, as in TRL's SFTTrainer.
 */
export function promptAndCompletion(
  tokenizer: ChatTokenizer,
  prompt: readonly Message[],
  completion: readonly Message[],
  where: string,
): TextPart[] {
  const start = renderAt(tokenizer, prompt, where, { addGenerationPrompt: true });
  const whole = renderAt(tokenizer, [...prompt, ...completion], where);
  requirePrefix(whole, start, where);
  return [
    { text: start, trained: false },
    { text: whole.slice(start.length), trained: true },
  ];
}

/**
 * The chat with the assistant's turns trained: what the template's generation blocks enclose, or, for a template without
 * them, from the end of the generation prompt to the stop token.
 */
export function assistantParts(tokenizer: ChatTokenizer, messages: readonly Message[], where: string): TextPart[] {
  const { text, spans } = tokenizer.renderMarkedChat?.(messages) ?? findTurns(tokenizer, messages, where);
  const parts: TextPart[] = [];
  let end = 0;
  for (const [from, to] of spans) {
    parts.push({ text: text.slice(end, from), trained: false }, { text: text.slice(from, to), trained: true });
    end = to;
  }
  return [...parts, { text: text.slice(end), trained: false }];
}

function findTurns(
  tokenizer: ChatTokenizer,
  messages: readonly Message[],
  where: string,
): { text: string; spans: [number, number][] } {
  const text = renderAt(tokenizer, messages, where);
  const starts = messages.flatMap(({ role }, i) => {
    if (role !== "assistant") return [];
    const before = renderAt(tokenizer, messages.slice(0, i), where, { addGenerationPrompt: true });
    requirePrefix(text, before, where);
    return [{ turn: i, start: before.length }];
  });
  const stops = tokenizer.stopTokenIds.map((id) => tokenizer.decode([id])).filter((stop) => stop.length > 0);
  const spans = starts.map(({ turn, start }, i): [number, number] => {
    const upTo = renderAt(tokenizer, messages.slice(0, turn + 1), where);
    // Some templates render a turn in another way once more follows (Qwen3 drops its thoughts): then look up to the next one.
    const limit = text.startsWith(upTo) ? upTo.length : (starts[i + 1]?.start ?? text.length);
    return [start, findStop(text, stops, start, limit) ?? limit];
  });
  return { text, spans };
}

/** The end of the first stop token in [start, limit). */
function findStop(text: string, stops: readonly string[], start: number, limit: number): number | undefined {
  const ends = stops.map((stop) => text.indexOf(stop, start) + stop.length).filter((end, i) => end >= start + stops[i]!.length && end <= limit);
  return ends.length > 0 ? Math.min(...ends) : undefined;
}

function requirePrefix(whole: string, start: string, where: string): void {
  if (whole.startsWith(start)) return;
  let same = 0;
  while (same < whole.length && whole[same] === start[same]) same++;
  throw new DataError({
    where,
    what: `the chat template changes earlier text when an answer follows (from character ${same} on)`,
    got: JSON.stringify(shorten(whole.slice(Math.max(0, same - 20), same + 60), 80)),
    expected: JSON.stringify(shorten(start.slice(Math.max(0, same - 20), same + 60), 80)),
    fix: "Use a template that only appends, or one with {% generation %} blocks and data.trainOn: assistant",
  });
}
