/** Which letters are names, which are words. */

/** Words of two letters; others are products of two variables. */
const SHORT_WORDS = new Set("no ok up on in at to of is it or by us we he me my so go do if an as be am pm".split(" "));

/** `x`, `\theta`, `a_{10}`, `x'` */
const NAME = String.raw`(?:\\(?!frac|sqrt|pi\b|infty|angle|overline)[A-Za-z]+|[A-Za-z])\s*(?:_\s*(?:\{[^{}]*\}|\w))?'*`;
const BARE_NAME = new RegExp(`^${NAME}$`);
const CALL = new RegExp(String.raw`^(${NAME})\s*(?:\^\s*\{?\s*-1\s*\}?\s*)?[([]([^()[\]]*)[)\]]$`);

/** True for text rather than mathematics: it holds a word. */
export function isWords(text: string): boolean {
  const runs = text.replace(/\\(?:begin|end)\s*\{[A-Za-z]*\}|\\[A-Za-z]+|_\s*\{[^{}]*\}/g, "+").matchAll(/[A-Za-z]{2,}/g);
  return [...runs].some(({ 0: run, index, input }) => run.length > 4 || (isWord(run) && isEdge(input[index - 1]) && isEdge(input[index + run.length])));
}

function isEdge(character: string | undefined): boolean {
  return character === undefined || /[\s.,;:?!'"-]/.test(character);
}

/** "east", "no"; but not "xy", "AB" or "xyz". */
export function isWord(run: string): boolean {
  return run.length === 2 ? SHORT_WORDS.has(run.toLowerCase()) : /[aeiou]/i.test(run);
}

/** A variable by itself. */
export function isBareName(text: string): boolean {
  return BARE_NAME.test(text);
}

/**
 * True when an equation's left side only names what the right side is: `x`, `f(x)`, `P(A)`, `AB`, `\angle ABC`, "the area".
 * Not `2x` or `x^2`, which say something else about x.
 */
export function isName(text: string): boolean {
  if (BARE_NAME.test(text)) return true;
  const call = CALL.exec(text);
  if (call) return !variables(call[2]!).has(call[1]!.trim());
  return isWords(text) || /\\(?:angle|overline|triangle|mathbb|vec|hat|bar)(?![A-Za-z])/.test(text) || /^\|?\s*(?:[A-Z]'?\s*){2,4}\s*\|?$/.test(text) || /^[a-z]{3}$/.test(text);
}

/** The letters that stand for something in an expression. */
export function variables(text: string): Set<string> {
  const bare = text.replace(/\\(?:frac|sqrt|cdot|times|pi|left|right|sin|cos|tan|ln|log|exp)(?![A-Za-z])/g, " ");
  return new Set(bare.match(/\\[A-Za-z]+|[A-Za-z]/g));
}
