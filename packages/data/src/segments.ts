/** From text parts to tokens and a mask. */
import type { ChatTokenizer } from "@verlet/core";

export interface TextPart {
  text: string;
  trained: boolean;
}

export interface Segmented {
  ids: number[];
  /** 1 = this token is trained. */
  mask: number[];
  /** True when a token would have run across the border of two parts, so that each part was tokenised by itself. */
  split: boolean;
}

/**
 * Tokenises the parts as one text and marks the tokens of the trained ones. Where a token would join the end of one part
 * with the start of the next, the parts are tokenised one by one: so the ids before a completion are the ids of the prompt
 * alone, as they are when the model is sampled.
 */
export function tokenizeParts(tokenizer: ChatTokenizer, parts: readonly TextPart[], addSpecialTokens: boolean): Segmented {
  const whole = tokenizer.encode(parts.map(({ text }) => text).join(""), { addSpecialTokens });
  const mask: number[] = [];
  let before = "";
  for (const [i, part] of parts.entries()) {
    before += part.text;
    const ids = i === parts.length - 1 ? whole : tokenizer.encode(before, { addSpecialTokens });
    if (!startsWith(whole, ids)) return tokenizeEach(tokenizer, parts, addSpecialTokens);
    while (mask.length < ids.length) mask.push(part.trained ? 1 : 0);
  }
  return { ids: whole, mask, split: false };
}

function tokenizeEach(tokenizer: ChatTokenizer, parts: readonly TextPart[], addSpecialTokens: boolean): Segmented {
  const ids: number[] = [];
  const mask: number[] = [];
  for (const [i, { text, trained }] of parts.entries()) {
    for (const id of tokenizer.encode(text, { addSpecialTokens: addSpecialTokens && i === 0 })) {
      ids.push(id);
      mask.push(trained ? 1 : 0);
    }
  }
  return { ids, mask, split: true };
}

function startsWith(ids: readonly number[], start: readonly number[]): boolean {
  return start.length <= ids.length && start.every((id, i) => id === ids[i]);
}
