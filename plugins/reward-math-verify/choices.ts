/** Letters of multiple-choice questions, and answers compared as text. */
import { isWord } from "./names.js";

/** The letter that answers a question with choices: `B`, `(B)`, `b)`, "option B". Undefined for anything else, so for the variable `b`. */
export function choiceOf(text: string): string | undefined {
  const found = /^(?:(?:option|choice|answer)\s+)?(?:[([]\s*([A-Za-z])\s*[)\]]|([A-Z])|([A-Za-z])\))$/i.exec(text);
  const letter = found?.[1] ?? found?.[2] ?? found?.[3];
  return letter === undefined || (found![2] !== undefined && letter !== letter.toUpperCase()) ? undefined : letter.toUpperCase();
}

const WITH_CONTENT = /^(?:(?:option|choice)\s+)?(?:\(([A-Z])\)|([A-Z])[.):])[.:]?\s+(?=[^\s+*/=^_<>])/;

/** A second choice, so that the first is no answer. */
const ANOTHER = /\([A-Za-z]\)|(?<![A-Za-z])[A-Z][.):]|^(?:[A-Z]$|(?:or|and)\b)/;

/** The letter in front of the words or the value it stands for: `(B) 5`. */
export function choiceBefore(text: string): string | undefined {
  const found = WITH_CONTENT.exec(text);
  return found && !ANOTHER.test(text.slice(found[0].length)) ? (found[1] ?? found[2]) : undefined;
}

export function withoutChoice(text: string): string {
  return text.replace(WITH_CONTENT, "");
}

/** Equal for texts that differ in blanks, an article, a leading plus, or the case of words. Letters that form no word keep theirs: they are variables. */
export function textKey(text: string): string {
  return text
    .replace(/^(?:an?|the)\s+(?=[A-Za-z]{2})/i, "")
    .replace(/(?<![\\A-Za-z])[A-Za-z]{2,}/g, (run) => (isWord(run) ? run.toLowerCase() : run))
    .replace(/\s+(?![A-Za-z\d])|(?<![A-Za-z\d])\s+/g, "")
    .replace(/\{([A-Za-z\d])\}(?![A-Za-z\d{])/g, "$1")
    .replace(/^\+/, "");
}
