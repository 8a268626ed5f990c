/** `\boxed{…}` in LaTeX. */

/**
 * The last `\boxed{…}` or `\fbox{…}` with its braces balanced, or the last `\boxed x$` up to the dollar; undefined where
 * there is none or its braces stay open.
 */
export function lastBoxed(text: string): string | undefined {
  if (text.includes("\\boxed ")) return `\\boxed ${text.split("\\boxed ").at(-1)!.split("$")[0]}`;
  const start = text.includes("\\boxed") ? text.lastIndexOf("\\boxed") : text.lastIndexOf("\\fbox");
  if (start < 0) return undefined;
  let depth = 0;
  for (let i = start; i < text.length; i++) {
    if (text[i] === "{") depth++;
    if (text[i] === "}" && --depth === 0) return text.slice(start, i + 1);
  }
  return undefined;
}

/** What stands in a `\boxed{…}` or after `\boxed `; undefined for other commands. */
export function boxedContent(boxed: string): string | undefined {
  if (boxed.startsWith("\\boxed ")) return boxed.slice("\\boxed ".length);
  return boxed.startsWith("\\boxed{") && boxed.endsWith("}") ? boxed.slice("\\boxed{".length, -1) : undefined;
}
