/** The one registry: every algorithm, reward, advantage, … by kind and name. */
import type { ErrorParts } from "./errors.js";
import { RegistryError } from "./errors.js";
import type { Kind, RegistryEntry } from "./kinds.js";
import { aKind, kindLabels, kinds } from "./kinds.js";
import { didYouMean, listNames } from "./suggest.js";

interface State {
  entries: Map<string, RegistryEntry>;
  closed: boolean;
}

// On globalThis, so that two copies of this package in one process still share one registry.
const STATE = Symbol.for("verlet.registry@1");
const shared = globalThis as unknown as { [STATE]?: State };
const state: State = (shared[STATE] ??= { entries: new Map(), closed: false });

const keyOf = (kind: Kind, name: string): string => `${kind}/${name}`;

export const registry = {
  /** @throws RegistryError when the name is taken or the registry is closed. */
  add(entry: RegistryEntry): void {
    const where = `${kindLabels[entry.kind]} ${entry.name}`;
    if (state.closed) {
      throw new RegistryError({
        where,
        what: "registered after training had started",
        got: `a registration from ${entry.source}`,
        expected: "every registration before the first step",
        fix: "List the file under `plugins:` in the YAML or import it before calling train",
      });
    }
    const taken = state.entries.get(keyOf(entry.kind, entry.name));
    if (taken) {
      throw new RegistryError({
        where,
        what: "the name is taken",
        got: `a second registration from ${entry.source}`,
        expected: `only the one from ${taken.source}`,
        fix:
          taken.source === entry.source
            ? "Register it once in that file and load the file once"
            : "Give one of the two another name",
      });
    }
    state.entries.set(keyOf(entry.kind, entry.name), entry);
  },

  find<K extends Kind>(kind: K, name: string): RegistryEntry<K> | undefined {
    return state.entries.get(keyOf(kind, name)) as RegistryEntry<K> | undefined;
  },

  /** @throws RegistryError naming the nearest and all known names. */
  get<K extends Kind>(kind: K, name: string): RegistryEntry<K> {
    const entry = registry.find(kind, name);
    if (!entry) throw new RegistryError({ where: `${kindLabels[kind]} ${name}`, ...describeUnknown(kind, name) });
    return entry;
  },

  /** All entries, or those of one kind, by kind and name. */
  list(kind?: Kind): RegistryEntry[] {
    const order = (entry: RegistryEntry): string => `${kinds.indexOf(entry.kind)}/${entry.name}`;
    return [...state.entries.values()]
      .filter((entry) => kind === undefined || entry.kind === kind)
      .sort((a, b) => (order(a) < order(b) ? -1 : 1));
  },

  names(kind: Kind): string[] {
    return registry.list(kind).map((entry) => entry.name);
  },

  /** Takes one entry out again: for a plugin that failed half way, and for tests. */
  remove(kind: Kind, name: string): boolean {
    return state.entries.delete(keyOf(kind, name));
  },

  /** From now on `add` throws; the manager calls this when training starts. */
  close(): void {
    state.closed = true;
  },

  open(): void {
    state.closed = false;
  },

  get isClosed(): boolean {
    return state.closed;
  },
};

/** Names that stand for something where a part may be named, though they are not registered. */
export interface OtherNames {
  /** What they are, in the plural. */
  label: string;
  names: readonly string[];
}

/** The words for a name that nobody registered: what is known, what was meant, where it might come from. */
export function describeUnknown(kind: Kind, name: string, also?: OtherNames): Omit<ErrorParts, "where"> {
  const names = registry.names(kind);
  const elsewhere = kinds.filter((other) => other !== kind && registry.find(other, name));
  const hints = [
    didYouMean(name, [...names, ...(also?.names ?? [])]),
    elsewhere.length > 0 && `"${name}" is the name of ${elsewhere.map(aKind).join(" and ")}.`,
    "If it comes from a plugin, list that file or package under `plugins:`",
  ];
  return {
    what: `unknown ${kindLabels[kind]}`,
    got: `"${name}"`,
    expected: (names.length > 0 ? `one of ${listNames(names)}` : `a registered ${kindLabels[kind]} (there is none)`) + (also ? `, or of the ${also.label} ${listNames(also.names)}` : ""),
    fix: hints.filter(Boolean).join(" "),
  };
}
