/** The version of the contracts that plugins are written against. */
export const API_VERSION = "1.0.0";

/**
 * Whether `version` lies in a caret range: `^1`, `^1.2` or `^1.2.3`, that is the same major and nothing older.
 * @returns undefined when the text is not such a range.
 */
export function satisfiesCaret(range: string, version: string = API_VERSION): boolean | undefined {
  const match = /^\^(\d+)(?:\.(\d+))?(?:\.(\d+))?$/.exec(range);
  if (!match) return undefined;
  const [major, minor, patch] = [match[1], match[2] ?? "0", match[3] ?? "0"].map(Number) as [number, number, number];
  const [ownMajor, ownMinor, ownPatch] = version.split(".").map(Number) as [number, number, number];
  if (ownMajor !== major) return false;
  return ownMinor > minor || (ownMinor === minor && ownPatch >= patch);
}
