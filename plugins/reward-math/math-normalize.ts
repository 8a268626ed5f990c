/**
 * Brings LaTeX answers into one spelling, so that equal ones are equal strings: the rules of the MATH benchmark
 * (Hendrycks et al. 2021) as verl's math scorer applies them, in the same order.
 */
export function normalizeMath(answer: string): string {
  let text = answer
    .replaceAll("\n", "")
    .replaceAll("\\!", "")
    .replaceAll("\\\\", "\\")
    .replaceAll("tfrac", "frac")
    .replaceAll("dfrac", "frac")
    .replaceAll("\\left", "")
    .replaceAll("\\right", "")
    .replaceAll("^{\\circ}", "")
    .replaceAll("^\\circ", "")
    .replaceAll("\\$", "");
  text = withoutUnit(text).replaceAll("\\%", "").replaceAll(" .", " 0.").replaceAll("{.", "{0.");
  if (text.startsWith(".")) text = `0${text}`;
  text = braceRoots(withoutName(text)).replaceAll(" ", "");
  text = braceFractions(text);
  return text === "0.5" ? "\\frac{1}{2}" : slashToFraction(text);
}

/** `10\text{ cm}` → `10` */
function withoutUnit(text: string): string {
  const parts = text.split("\\text{ ");
  return parts.length === 2 ? parts[0]! : text;
}

/** `x=5` → `5`, for names of up to two characters. */
function withoutName(text: string): string {
  const sides = text.split("=");
  return sides.length === 2 && sides[0]!.length <= 2 ? sides[1]! : text;
}

/** `\sqrt3` → `\sqrt{3}` */
function braceRoots(text: string): string {
  return text.replace(/\\sqrt([^{])/gu, "\\sqrt{$1}");
}

/** `\frac12` → `\frac{1}{2}`, `\frac1{72}` → `\frac{1}{72}` */
function braceFractions(text: string): string {
  return text.replace(/\\frac([^{])([^{])/gu, "\\frac{$1}{$2}").replace(/\\frac([^{])\{/gu, "\\frac{$1}{");
}

/** `1/2` → `\frac{1}{2}`, for whole numbers without leading zeros alone. */
function slashToFraction(text: string): string {
  const [a, b, ...more] = text.split("/").map(Number);
  return more.length === 0 && `${a}/${b}` === text && Number.isInteger(a) && Number.isInteger(b) ? `\\frac{${a}}{${b}}` : text;
}
