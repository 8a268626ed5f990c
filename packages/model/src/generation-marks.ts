/** Finds the parts of a rendered chat that its template encloses in generation blocks. */

// Unicode noncharacters: no text that is meant for others holds them.
const OPEN = "\uFDD0";
const CLOSE = "\uFDD1";
const GENERATION_TAG = /\{%(-?)\s*(end)?generation\s*(-?)%\}/g;

/**
 * The template with a mark written at both ends of each generation block, or undefined where there is no such block.
 * Each mark stands between two block tags, so that whitespace around it is trimmed as around the original tag.
 */
export function markGenerationBlocks(template: string): string | undefined {
  const marked = template.replace(
    GENERATION_TAG,
    (_, left: string, end: string | undefined, right: string) =>
      `{%${left} if true %}{{ '${end ? CLOSE : OPEN}' }}{% endif ${right}%}`,
  );
  return marked === template ? undefined : marked;
}

/** Takes the marks out of a rendering. The spans are [start, end) positions in UTF-16 units. */
export function splitMarks(rendered: string): { text: string; spans: [start: number, end: number][] } {
  const spans: [number, number][] = [];
  let text = "";
  let open = -1;
  for (const part of rendered.split(/([\uFDD0\uFDD1])/)) {
    if (part === OPEN) open = text.length;
    else if (part === CLOSE) spans.push([open, text.length]);
    else text += part;
  }
  return { text, spans };
}
