/** Text → nodes with positions. */
import { LineCounter, isAlias, isMap, isPair, isScalar, isSeq, parseDocument } from "yaml";
import type { Alias, Document, Pair, YAMLMap } from "yaml";
import { ConfigError } from "@verlet/core";
import type { Entry, Mapping, Node, Place } from "./node.js";
import { camel } from "./node.js";
import type { Problems } from "./problems.js";

export interface SourceText {
  text: string;
  /** The name messages show. */
  name: string;
  folder: string;
}

/**
 * @param fixedPlace where everything stands when the text is not a file, such as a command-line value.
 * @throws ConfigError at once when the text is not YAML: nothing else could be said about it.
 */
export function parseYaml(source: SourceText, problems: Problems, fixedPlace?: Place): Node {
  const lines = new LineCounter();
  const document = parseDocument(source.text, { lineCounter: lines, prettyErrors: false });
  const at = (offset: number | undefined): Place => {
    if (fixedPlace) return fixedPlace;
    const { line, col } = lines.linePos(offset ?? 0);
    const where = `${source.name}:${line || 1}:${col || 1}`;
    return { where, folder: source.folder, file: source.name, line: line || 1, column: col || 1 };
  };
  if (document.errors.length > 0) {
    throw new ConfigError(
      document.errors.map(({ message, pos }) => {
        const words = message.replace(/\.$/, "");
        return { where: at(pos[0]).where, what: `unreadable YAML: ${words}` };
      }),
    );
  }
  return new Reader(document, at, problems).read(document.contents, undefined, []);
}

class Reader {
  readonly #document: Document;
  readonly #at: (offset: number | undefined) => Place;
  readonly #problems: Problems;

  constructor(document: Document, at: (offset: number | undefined) => Place, problems: Problems) {
    this.#document = document;
    this.#at = at;
    this.#problems = problems;
  }

  /** @param aliases those being followed, so that one that holds itself ends. */
  read(node: unknown, offset: number | undefined, aliases: readonly Alias[]): Node {
    if (isAlias(node)) return this.#followAlias(node, aliases);
    const place = this.#at((node as { range?: [number, number, number] } | null)?.range?.[0] ?? offset);
    if (isMap(node)) return this.#readMapping(node, place, aliases);
    if (isSeq(node)) {
      return { type: "list", place, items: node.items.map((item) => this.read(item, undefined, aliases)) };
    }
    return { type: "leaf", place, value: isScalar(node) ? node.value : null };
  }

  #followAlias(alias: Alias, aliases: readonly Alias[]): Node {
    const place = this.#at(alias.range?.[0]);
    const target = alias.resolve(this.#document);
    if (target === undefined || aliases.includes(alias)) {
      const expected = "an anchor before it that does not hold it";
      this.#problems.add(place, { what: `alias *${alias.source} leads nowhere`, expected });
      return { type: "leaf", place, value: null };
    }
    return this.read(target, alias.range?.[0], [...aliases, alias]);
  }

  #readMapping(map: YAMLMap, place: Place, aliases: readonly Alias[]): Mapping {
    const entries = new Map<string, Entry>();
    const spelling = new Map<string, string>();
    for (const pair of map.items as Pair[]) {
      if (!isPair(pair)) continue;
      const range = (pair.key as { range?: [number, number, number] } | null)?.range;
      const keyPlace = this.#at(range?.[0]);
      const key = String(isScalar(pair.key) ? pair.key.value : pair.key);
      const first = spelling.get(camel(key));
      if (first !== undefined) {
        this.#problems.add(keyPlace, {
          what: "one key in two spellings",
          got: `\`${first}\` and \`${key}\``,
          expected: "one of them",
          fix: `Remove \`${[first, key].find((spelled) => spelled !== camel(key)) ?? key}\``,
        });
        continue;
      }
      spelling.set(camel(key), key);
      entries.set(key, { place: keyPlace, node: this.read(pair.value, range?.[1], aliases) });
    }
    return { type: "mapping", place, entries };
  }
}
