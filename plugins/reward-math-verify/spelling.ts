/** Brings an answer, LaTeX or plain, into one spelling: symbols, spaces, fractions, thousands. What it means is read later. */
import { strip } from "./brackets.js";

/** Longer answers are left as they are, and compared as text. */
export const MAX_ANSWER = 1000;

const GREEK = "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi omicron pi rho sigma sigma tau upsilon phi chi psi omega".split(" ");

// prettier-ignore
const SYMBOLS: Readonly<Record<string, string>> = {
  "−": "-", "–": "-", "‐": "-", "‑": "-", "×": "\\times ", "✕": "\\times ", "·": "\\cdot ", "⋅": "\\cdot ", "∙": "\\cdot ", "÷": "/", "⁄": "/", "∕": "/",
  "∞": "\\infty ", "≤": "\\le ", "⩽": "\\le ", "≥": "\\ge ", "⩾": "\\ge ", "≠": "\\ne ", "±": "\\pm ", "∓": "\\mp ",
  "∪": "\\cup ", "∩": "\\cap ", "∈": "\\in ", "∅": "\\emptyset ", "ℝ": "\\mathbb{R}", "∖": "\\setminus ", "º": "°", "′": "'", "Δ": "\\Delta ", "Ω": "\\Omega ", "Σ": "\\Sigma ", "Φ": "\\Phi ",
  "⟨": "(", "⟩": ")", "“": '"', "”": '"', "’": "'",
};

const SUPERSCRIPTS = "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻ⁿ";
const SUBSCRIPTS = "₀₁₂₃₄₅₆₇₈₉";

/** Commands of one meaning, and those that only lay out. In this order. */
const COMMANDS: readonly (readonly [RegExp, string])[] = [
  [/\\left\s*(?:\||\\[lr]?vert(?![A-Za-z]))|\\lvert(?![A-Za-z])/g, "⟪"],
  [/\\right\s*(?:\||\\[lr]?vert(?![A-Za-z]))|\\rvert(?![A-Za-z])/g, "⟫"],
  [/\\(?:left|right|[bB]igg?[lrm]?)(?![A-Za-z])\s*\.?/g, ""],
  [/\\(?:displaystyle|textstyle|limits|nolimits|centering|bf|rm|it)(?![A-Za-z])|\\tag\s*\{[^{}]*\}|\\!|\\allowbreak(?![A-Za-z])/g, ""],
  [/(\d)\\[,;: ](?=\d{3}(?!\d))/g, "$1"],
  [/(?<!\\)\\(?:[,;: ]|q?quad(?![A-Za-z])|hspace\s*\{[^{}]*\})|~/g, " "],
  [/\\[dtc]frac(?![A-Za-z])/g, "\\frac"],
  [/\\(?:leqslant|leq)(?![A-Za-z])|<=|=</g, "\\le "],
  [/\\(?:geqslant|geq)(?![A-Za-z])|>=/g, "\\ge "],
  [/\\neq(?![A-Za-z])|!=/g, "\\ne "],
  [/\\lt(?![A-Za-z])/g, "<"],
  [/\\gt(?![A-Za-z])/g, ">"],
  [/\\(?:approx|simeq|thickapprox)(?![A-Za-z])/g, "≈"],
  [/\\(?:langle|lparen)(?![A-Za-z])/g, "("],
  [/\\(?:rangle|rparen)(?![A-Za-z])/g, ")"],
  [/\\lbrace(?![A-Za-z])/g, "\\{"],
  [/\\rbrace(?![A-Za-z])/g, "\\}"],
  [/\\(?:lbrack)(?![A-Za-z])/g, "["],
  [/\\(?:rbrack)(?![A-Za-z])/g, "]"],
  [/\\vert(?![A-Za-z])/g, "|"],
  [/\\varnothing(?![A-Za-z])/g, "\\emptyset "],
  [/\\(?:R|Reals?|reals)(?![A-Za-z])|\\mathbb\s*R(?![A-Za-z])|\\math(?:bb|bf)\s*\{\s*R\s*\}/g, "\\mathbb{R}"],
  [/\^\s*(?:\\circ|\{\s*\\circ\s*\}|\\degree|\{\s*\\degree\s*\})(?![A-Za-z])|\\(?:degree|textdegree)(?![A-Za-z])/g, "°"],
  [/\\(?:ldots|dots|cdots|dotsc)(?![A-Za-z])|\.\.\./g, "…"],
  [/\\setminus(?![A-Za-z])|\\backslash(?![A-Za-z])/g, "\\setminus "],
  [/\\(?:imaginaryI|imath)(?![A-Za-z])/g, "i"],
  [/\\(?:prime)(?![A-Za-z])/g, "'"],
  [/\^\s*'/g, "'"],
  [/\\([%#&_])/g, "$1"],
];

const TEXT = /\\(?:text|textbf|textit|textrm|textsf|textnormal|mathrm|mathbf|mathit|mathsf|boldsymbol|bm|mbox|operatorname|emph|underline)\s*\*?\s*\{([^{}]*)\}/g;

const FUNCTIONS = "arcsin|arccos|arctan|sinh|cosh|tanh|sin|cos|tan|cot|sec|csc|ln|log|exp|sqrt";
const WORDS = new RegExp(`(?<![\\\\A-Za-z])(${FUNCTIONS}|pi|theta|alpha|beta)(?![A-Za-z])`, "g");

/** The answer in one spelling. */
export function normalise(answer: string): string {
  if (answer.length > MAX_ANSWER) return answer;
  let text = fromUnicode(withoutDollars(trim(answer.replace(/\.\.\./g, "…"))));
  for (const [from, to] of COMMANDS) text = text.replace(from, to);
  for (let depth = 0; depth < 3; depth++) text = text.replace(TEXT, " $1 ");
  text = text
    .replace(WORDS, "\\$1 ")
    .replace(/(?<![\\A-Za-z])(?:infinity|infty|inf|oo)(?![A-Za-z])/gi, "\\infty ")
    .replace(/(?<=\w)\*\*(?=[\w({-])/g, "^")
    .replace(/(\d)\{,\}(?=\d{3}(?!\d))/g, "$1")
    .replace(/(\d)\{,\}(?=\d)/g, "$1.")
    .replace(/(\d)\{\.\}(?=\d)/g, "$1.");
  return trim(braceArguments(text).replace(/\s+/g, " "));
}

/** Takes away blanks, emphasis, quotation marks and the punctuation that ends a sentence. */
export function trim(text: string): string {
  const bare = strip(strip(text, " \t\r\n*_`\"'", true, false), " .,;:\t\r\n*_`\"\\", false, true);
  return /^[=≈]/.test(bare) ? trim(bare.slice(1)) : bare;
}

/** `\frac12`, `\frac1{2}`, `\sqrt3`: what TeX takes without braces is one digit or letter. */
function braceArguments(text: string): string {
  return text
    .replace(/\\sqrt\s*(\d|[A-Za-z])/g, "\\sqrt{$1}")
    .replace(/\\frac\s*(\d|[A-Za-z])\s*(\d|[A-Za-z])/g, "\\frac{$1}{$2}")
    .replace(/\\frac\s*(\d|[A-Za-z])\s*\{/g, "\\frac{$1}{")
    .replace(/\\frac\s*(\{[^{}]*\})\s*(\d|[A-Za-z])/g, "\\frac$1{$2}");
}

/** Math delimiters go, by the rule that tells `$x$` from `$5`: nothing blank inside the signs, no digit behind the second. */
function withoutDollars(text: string): string {
  return text
    .replace(/\\\$/g, "\uE000")
    .replace(/(?<!\\)\\[()[\]]/g, " ")
    .replace(/\$\$([^$]+)\$\$/g, " $1 ")
    .replace(/\$([^\s$](?:[^$]*[^\s$])?)\$(?!\d)/g, " $1 ")
    .replace(/\uE000/g, "$");
}

function fromUnicode(text: string): string {
  if (/^[\x20-\x7e]*$/.test(text)) return text;
  return text
    .replace(/\p{Extended_Pictographic}|\ufe0f/gu, "")
    .replace(/√\s*(\d+(?:\.\d+)?|[A-Za-z])/g, "\\sqrt{$1}")
    .replace(/√/g, "\\sqrt ")
    .replace(/[¼-¾⅐-⅞]/g, (one) => one.normalize("NFKC").replace(/(\d+)⁄(\d+)/, "\\frac{$1}{$2}"))
    .replace(new RegExp(`[${SUPERSCRIPTS}]+`, "g"), (run) => `^{${ascii(run, SUPERSCRIPTS, "0123456789+-n")}}`)
    .replace(new RegExp(`[${SUBSCRIPTS}]+`, "g"), (run) => `_{${ascii(run, SUBSCRIPTS, "0123456789")}}`)
    .replace(/[\u03b1-\u03c9]/g, (letter) => `\\${GREEK[letter.charCodeAt(0) - 0x3b1]} `)
    .replace(/./gsu, (one) => SYMBOLS[one] ?? one)
    .normalize("NFKC")
    .replace(/−/g, "-");
}

function ascii(run: string, from: string, to: string): string {
  return [...run].map((one) => to[from.indexOf(one)]).join("");
}
