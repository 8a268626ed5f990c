/** Text cut at its top level, outside all brackets. */

const OPEN = "([{";
const CLOSE = ")]}";

/** How deep each character stands; undefined when the brackets do not close or go deeper than `most`. Half-open intervals may pair `[` with `)`. */
export function depths(text: string, most = 24): number[] | undefined {
  const open: string[] = [];
  const result: number[] = [];
  for (const character of text) {
    if (CLOSE.includes(character)) {
      const opener = open.pop();
      if (opener === undefined || (opener === "{") !== (character === "}")) return undefined;
    }
    for (let unit = 0; unit < character.length; unit++) result.push(open.length);
    if (OPEN.includes(character)) open.push(character);
    if (open.length > most) return undefined;
  }
  return open.length === 0 ? result : undefined;
}

export function isBalanced(text: string): boolean {
  return depths(text) !== undefined;
}

/** The parts between the separators that stand outside all brackets; the whole text where its brackets do not close. */
export function splitTop(text: string, separator: RegExp): string[] {
  const depth = depths(text);
  if (!depth) return [text];
  const parts: string[] = [];
  let start = 0;
  for (const match of text.matchAll(new RegExp(separator.source, `${separator.flags.replace("g", "")}g`))) {
    if (depth[match.index] !== 0 || match[0] === "") continue;
    parts.push(text.slice(start, match.index));
    start = match.index + match[0].length;
  }
  return [...parts, text.slice(start)];
}

/** What one pair of brackets around the whole text encloses; `\{` counts as `{`. Undefined where there is none. */
export function enclosed(text: string): { open: string; close: string; inner: string } | undefined {
  const start = text.startsWith("\\{") ? 1 : 0;
  const depth = depths(text);
  if (!depth || text.length < start + 2 || !OPEN.includes(text[start]!) || !CLOSE.includes(text.at(-1)!)) return undefined;
  for (let i = start + 1; i < text.length - 1; i++) if (depth[i] === 0) return undefined;
  const end = text.length - (text.endsWith("\\}") ? 2 : 1);
  return { open: text.slice(0, start + 1), close: text.slice(end), inner: text.slice(start + 1, end) };
}

/** Without these characters at its start or end. A loop: a pattern for the end takes quadratic time on long runs of blanks. */
export function strip(text: string, characters: string, atStart = true, atEnd = true): string {
  let start = 0;
  let end = text.length;
  while (atStart && start < end && characters.includes(text[start]!)) start++;
  while (atEnd && end > start && characters.includes(text[end - 1]!)) end--;
  return text.slice(start, end);
}
