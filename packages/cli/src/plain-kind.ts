/** The form in which all spellings of a kind are equal: `policyLoss`, `policy-loss`, `policy_losses`. */
export function plainKind(text: string): string {
  return text.toLowerCase().replaceAll(/[^a-z]/g, "").replace(/(?<=ss)es$|(?<!s)s$/, "");
}
