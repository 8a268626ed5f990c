/** One file in VERL's shape on its way to verlet's: what was written, and what has come of it so far. */
import type { ErrorParts } from "@verlet/core";
import { describeIssues } from "@verlet/core";
import type { Entry, Mapping, Node, Place } from "./node.js";
import { fromPlain, toPlain } from "./node.js";
import type { Problems } from "./problems.js";
import { pathText } from "./read-section.js";
import type { VerlRule } from "./verl-rule.js";
import { WrittenKeys } from "./verl-written.js";

/** A line of the table: what a key of VERL's became. */
export interface TranslatedKey {
  readonly verl: string;
  readonly ours: string;
  readonly value: unknown;
  /** False where the file does not write it and verl's own default stands. */
  readonly written: boolean;
  /** True where a key of verlet's was set over it. */
  readonly over?: boolean;
}

export interface VerlTable {
  readonly keys: readonly TranslatedKey[];
  readonly notes: readonly string[];
}

/** Values that stand between the file and verl's defaults, and those that stand over the file. */
export interface VerlPreset {
  /** The key that asks for them. */
  readonly by: string;
  readonly defaults: Readonly<Record<string, unknown>>;
  readonly over: Readonly<Record<string, unknown>>;
}

export class VerlTranslation {
  readonly root: Mapping;
  readonly #problems: Problems;
  readonly #rules: readonly VerlRule[];
  readonly #written: WrittenKeys;
  readonly #values = new Map<string, unknown>();
  readonly #result: Mapping;
  readonly #keys: TranslatedKey[] = [];
  /** Keys by what is said of them. */
  readonly #notes = new Map<string, ReadonlySet<string>>();
  /** Keys that something was made of, or said of. */
  readonly #used: Set<string>;
  preset: VerlPreset = { by: "", defaults: {}, over: {} };

  /** @param interpolated keys that others take their value from */
  constructor(root: Mapping, rules: readonly VerlRule[], problems: Problems, interpolated: ReadonlySet<string>) {
    this.root = root;
    this.#rules = rules;
    this.#problems = problems;
    this.#used = new Set(interpolated);
    this.#written = new WrittenKeys(root, rules, problems);
    this.#result = { type: "mapping", place: root.place, entries: new Map() };
  }

  /** Applies every rule, in order. */
  run(): { tree: Mapping; table: VerlTable } {
    for (const rule of this.#rules) {
      if (rule.idle) for (const key of this.#written.takenBy(rule)) this.note({ key }, `no counterpart, ${rule.remark!}`);
      else rule.put?.(this.value(rule), this, rule);
    }
    for (const rule of this.#rules) if (this.#isUnread(rule)) this.note(rule, `not read (${rule.remark!})`);
    const notes = [...this.#notes].map(([said, keys]) => `${bySection([...keys]).join(", ")}: ${said}`);
    return { tree: this.#result, table: { keys: this.#keys, notes } };
  }

  /** What the file, the preset or verl's default says. A value of the wrong type is reported once, and the default stands in. */
  value<T>(rule: VerlRule<T>): T {
    if (!this.#values.has(rule.key)) this.#values.set(rule.key, this.#read(rule));
    return this.#values.get(rule.key) as T;
  }

  /** Whether the file itself says something other than null. */
  isWritten({ key }: Pick<VerlRule, "key">): boolean {
    return this.#written.has(key);
  }

  /** The same by the rule's key, for rules that cannot import each other. */
  valueAt(key: string): unknown {
    return this.value(this.#rules.find((rule) => rule.key === key)!);
  }

  /** The value in the file as it stands there, whatever else may stand over it. */
  writtenValue(rule: Pick<VerlRule, "key">): unknown {
    return this.isWritten(rule) ? toPlain(this.#written.get(rule.key)!.node) : undefined;
  }

  /** Puts a value at a key of verlet's; undefined is left out. `from`: what it was made of, the main one first. */
  set(ours: string, value: unknown, ...from: readonly Pick<VerlRule, "key">[]): void {
    if (value === undefined) return;
    const place = this.placeOf(from[0]!);
    const path = ours.split(".");
    const last = path.pop()!;
    const parent = path.reduce((mapping, key) => below(mapping, key, place), this.#result);
    (parent.entries as Map<string, Entry>).set(last, { place, node: fromPlain(value, place) });
    for (const { key } of from) this.#used.add(key);
    const verl = [...new Set(from.map((rule) => (this.#isPreset(rule) ? this.preset.by : rule.key)))].join(", ");
    this.#keys.push({ verl, ours, value, written: from.some((rule) => this.#isPreset(rule) || this.isWritten(rule)) });
  }

  /** Something to be known about a key. */
  note({ key }: Pick<VerlRule, "key">, said: string): void {
    this.#used.add(key);
    this.#notes.set(said, new Set(this.#notes.get(said)).add(key));
  }

  /** Reports what cannot be taken over. */
  refuse(rule: Pick<VerlRule, "key">, parts: Omit<ErrorParts, "where">): void {
    this.#used.add(rule.key);
    const written = this.#written.get(rule.key);
    this.#problems.add(written?.node.place ?? this.root.place, { ...(written && parts.got === undefined && { got: shown(written.node) }), ...parts });
  }

  /** Where the key's value stands; messages also show the key's name in VERL. */
  placeOf({ key }: Pick<VerlRule, "key">): Place {
    const written = this.#written.get(key);
    const { where, ...rest } = written?.node.place ?? this.root.place;
    return { ...rest, where: written ? `${where} ${written.key}` : `verl's default of ${key}` };
  }

  /** Written, for others to read, and none did; a switch that is off needs no word. */
  #isUnread(rule: VerlRule): boolean {
    if (rule.idle || rule.put || !this.isWritten(rule) || this.#used.has(rule.key)) return false;
    return typeof rule.fallback !== "boolean" || this.value(rule) !== rule.fallback;
  }

  #isPreset(rule: Pick<VerlRule, "key">): boolean {
    const { over, defaults } = this.preset;
    return Object.hasOwn(over, rule.key) || (Object.hasOwn(defaults, rule.key) && !this.isWritten(rule));
  }

  #read<T>({ key, type, fallback }: VerlRule<T>): unknown {
    const { over, defaults } = this.preset;
    if (Object.hasOwn(over, key)) return over[key];
    if (!this.#written.has(key)) return Object.hasOwn(defaults, key) ? defaults[key] : fallback;
    const written = this.#written.get(key)!;
    const input = toPlain(written.node);
    const parsed = type.safeParse(input);
    if (parsed.success) return parsed.data;
    for (const { path, got, expected, fix } of describeIssues(parsed.error, input)) {
      this.#problems.add(written.node.place, { what: pathText(written.key, path), got, expected, fix });
    }
    return fallback;
  }
}

function below(mapping: Mapping, key: string, place: Place): Mapping {
  const known = mapping.entries.get(key)?.node;
  if (known?.type === "mapping") return known;
  const made: Mapping = { type: "mapping", place, entries: new Map() };
  (mapping.entries as Map<string, Entry>).set(key, { place, node: made });
  return made;
}

/** `data.seed`, and several keys of one section as `data.{seed, shuffle}`. */
function bySection(keys: readonly string[]): string[] {
  const sections = new Map<string, string[]>();
  for (const key of keys) {
    const dot = key.lastIndexOf(".");
    const section = key.slice(0, dot + 1);
    sections.set(section, [...(sections.get(section) ?? []), key.slice(dot + 1)]);
  }
  return [...sections].flatMap(([section, names]) => (section === "" || names.length === 1 ? names.map((name) => section + name) : [`${section}{${names.join(", ")}}`]));
}

function shown(node: Node): string {
  return JSON.stringify(toPlain(node)) ?? "nothing";
}
