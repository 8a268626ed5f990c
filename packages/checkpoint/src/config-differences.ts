import type { Json } from "@verlet/core";

export interface ConfigDifference {
  /** Dotted, `loss.clipLow`. */
  key: string;
  was: Json | undefined;
  now: Json | undefined;
}

/**
 * Where two resolved configs differ, key by key; lists are compared whole.
 * @param ignored dotted keys that may differ, with everything below them.
 */
export function configDifferences(was: Json, now: Json, ignored: readonly string[] = []): ConfigDifference[] {
  const differences: ConfigDifference[] = [];
  const compare = (key: string, a: Json | undefined, b: Json | undefined): void => {
    if (ignored.includes(key)) return;
    if (isRecord(a) && isRecord(b)) {
      for (const name of new Set([...Object.keys(a), ...Object.keys(b)])) compare(key ? `${key}.${name}` : name, a[name], b[name]);
    } else if (canonical(a) !== canonical(b)) {
      differences.push({ key, was: a, now: b });
    }
  };
  compare("", was, now);
  return differences;
}

/** `loss.clipLow was 0.2 and is now 0.3; …`, for messages. */
export function describeDifferences(differences: readonly ConfigDifference[]): string {
  const show = (value: Json | undefined): string => (value === undefined ? "not set" : JSON.stringify(value));
  return differences.map(({ key, was, now }) => `${key} was ${show(was)} and is now ${show(now)}`).join("; ");
}

function isRecord(value: Json | undefined): value is { [key: string]: Json } {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** JSON with its keys in order, so that only values tell two configs apart. */
function canonical(value: Json | undefined): string | undefined {
  return JSON.stringify(value, (_key, part: Json) =>
    isRecord(part) ? Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1))) : part,
  );
}
