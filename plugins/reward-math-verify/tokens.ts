/** The tokens of an expression. */

const MAX_TOKENS = 400;

const TOKEN = /\s+|\\[A-Za-z]+|\d+(?:\.\d*)?|\.\d+|./gsu;

const SAME: Readonly<Record<string, string>> = { "\\cdot": "*", "\\times": "*", "\\ast": "*", "\\div": "/", "\\lfloor": "⌊", "\\rfloor": "⌋", "\\lceil": "⌈", "\\rceil": "⌉" };

/** Numbers, letters, commands and signs, blanks left out; undefined for more than MAX_TOKENS. */
export function tokenize(latex: string): string[] | undefined {
  if (latex.length > 8 * MAX_TOKENS) return undefined;
  const tokens = (latex.match(TOKEN) ?? []).filter((token) => token.trim() !== "").map((token) => SAME[token] ?? token);
  return tokens.length > MAX_TOKENS ? undefined : tokens;
}
