/** A fenced block that says it is JavaScript; the last one of a text may lack its end, where the completion was cut off. */
const BLOCK = /^[ \t]*(```+|~~~+)[ \t]*(?:js|javascript)\b[^\n]*\n([^]*?)(?:^[ \t]*\1[ \t]*$|$(?![^]))/gim;

/** The last ```js block of a completion, or all of it where there is none; a module's `export` is taken off. */
export function extractCode(completion: string): string {
  const block = [...completion.matchAll(BLOCK)].at(-1)?.[2] ?? completion;
  return block.replace(/^[ \t]*export[ \t]+(?:default[ \t]+)?(?=(?:async[ \t]+)?function\b|class\b|const\b|let\b|var\b)/gm, "");
}
