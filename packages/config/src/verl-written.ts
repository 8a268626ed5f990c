/** What a file in VERL's shape writes, by the rules that know its keys. */
import { nearest } from "@verlet/core";
import type { Mapping, Node, Place } from "./node.js";
import { camel, isNull, showValueOf } from "./node.js";
import type { Problems } from "./problems.js";
import type { VerlRule } from "./verl-rule.js";

export interface WrittenKey {
  /** As the file spells it. */
  readonly key: string;
  readonly node: Node;
}

export class WrittenKeys {
  readonly #rules: readonly VerlRule[];
  readonly #problems: Problems;
  /** By the rule's key, and what a `.*` rule takes by its own. */
  readonly #written = new Map<string, WrittenKey>();
  readonly #below = new Map<string, string[]>();

  /** Keys without a rule are added to the problems. */
  constructor(root: Mapping, rules: readonly VerlRule[], problems: Problems) {
    this.#rules = rules;
    this.#problems = problems;
    this.#index(root, []);
  }

  get(key: string): WrittenKey | undefined {
    return this.#written.get(key);
  }

  /** Whether the file says something other than null. */
  has(key: string): boolean {
    const written = this.#written.get(key);
    return written !== undefined && !isNull(written.node);
  }

  /** The keys that the rule takes and that say something: its own, or those below a `.*` rule. */
  takenBy({ key }: Pick<VerlRule, "key">): string[] {
    const keys = key.endsWith(".*") ? (this.#below.get(key) ?? []) : [key];
    return keys.filter((one) => holdsSomething(this.#written.get(one)?.node));
  }

  /**
   * Finds the rule of everything that is written; what has none is unknown.
   * @param rest the `.*` rule that takes what no other rule names.
   */
  #index(mapping: Mapping, path: readonly string[], rest?: VerlRule): void {
    for (const [key, { place, node }] of mapping.entries) {
      if (key === "_target_") continue; // names a Python class, which the key above it implies
      const here = [...path, key];
      const name = here.map(camel).join(".");
      const exact = this.#rules.find((rule) => camelPath(rule.key) === name);
      const wide = this.#rules.find((rule) => camelPath(rule.key) === `${name}.*`) ?? rest;
      const hasKeys = this.#rules.some((rule) => camelPath(rule.key).startsWith(`${name}.`) && rule !== wide);
      if (exact) this.#written.set(exact.key, { key: here.join("."), node });
      else if (hasKeys && node.type === "mapping") this.#index(node, here, wide);
      else if (wide) {
        const written = here.join(".");
        this.#written.set(written, { key: written, node });
        this.#below.set(wide.key, [...(this.#below.get(wide.key) ?? []), written]);
      } else if (!hasKeys) this.#unknown(here, place);
      else if (!isNull(node)) this.#problems.add(node.place, { what: here.join("."), got: showValueOf(node), expected: "a mapping" });
    }
  }

  #unknown(path: readonly string[], place: Place): void {
    const key = path.at(-1)!;
    const parent = path.slice(0, -1);
    const siblings = this.#keysBelow(parent);
    const near = nearest(key, siblings);
    const elsewhere = this.#rules.map((rule) => rule.key).find((known) => known.endsWith(`.${key}`));
    const ownSection = parent.length === 0 && ownSections.includes(camel(key));
    const fix = near
      ? `Did you mean \`${near}\`?`
      : ownSection
        ? `Write it under \`verlet:\`, which holds verlet's own keys in a file of VERL's shape`
        : elsewhere && `Did you mean \`${elsewhere}\`?`;
    this.#problems.add(place, {
      what: `unknown key ${parent.length > 0 ? `in VERL's ${parent.join(".")}` : "in a file of VERL's shape"}`,
      got: `\`${key}\``,
      expected: `one of ${siblings.join(", ")}`,
      fix: fix ?? "What only verlet has goes under `verlet:`",
    });
  }

  /** The keys that VERL has right below a path. */
  #keysBelow(path: readonly string[]): string[] {
    const prefix = path.map((key) => `${camel(key)}.`).join("");
    const found = this.#rules.filter(({ key }) => camelPath(key).startsWith(prefix)).map(({ key }) => key.split(".")[path.length]!);
    return [...new Set(found)];
  }
}

/** Sections of verlet's own that people may expect at the top. */
const ownSections = ["plugins", "model", "rollout", "rewards", "rewardManager", "advantage", "loss", "optimizer", "backend"];

const camelPath = (key: string): string => key.split(".").map(camel).join(".");

/** Whether anything but nulls and empty mappings is written. */
function holdsSomething(node: Node | undefined): boolean {
  if (node === undefined || isNull(node)) return false;
  return node.type !== "mapping" || [...node.entries.values()].some((entry) => holdsSomething(entry.node));
}
