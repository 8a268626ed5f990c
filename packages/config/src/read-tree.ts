/** A YAML file with everything it `extends`. */
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { dirname, isAbsolute, relative, resolve } from "node:path";
import { ConfigError } from "@verlet/core";
import type { Layers } from "./layers.js";
import { overlay } from "./layers.js";
import { expandShorthand } from "./merge.js";
import type { Mapping, Node, Place } from "./node.js";
import { showValueOf, textOf, without, writtenKey } from "./node.js";
import { parseYaml } from "./parse-yaml.js";
import type { Problems } from "./problems.js";

/** A path as messages show it: relative to the working folder when it lies in it. */
export function displayPath(path: string): string {
  const near = relative(process.cwd(), path);
  return near === "" || near.startsWith("..") || isAbsolute(near) ? path : near;
}

/**
 * @param chain the files whose `extends` led here.
 * @throws ConfigError for a file that is missing or not YAML.
 */
export async function readTree(path: string, problems: Problems, from?: Place, chain: readonly string[] = []): Promise<Layers> {
  const full = resolve(path);
  const name = displayPath(full);
  const text = await readText(full, from?.where ?? name);
  const root = parseYaml({ text, name, folder: dirname(full) }, problems);
  return mergeExtended(asMapping(root), problems, [...chain, full]);
}

/** Puts a tree over the files its `extends` names; with several, a later one over an earlier. */
export async function mergeExtended(root: Mapping, problems: Problems, chain: readonly string[]): Promise<Layers> {
  let base: Layers | undefined;
  for (const item of extendedFiles(root, problems)) {
    const spec = textOf(item)!;
    const file = resolve(item.place.folder, spec);
    if (chain.includes(file)) {
      problems.add(item.place, {
        what: "`extends` goes round in a circle",
        got: [...chain.slice(chain.indexOf(file)), file].map(displayPath).join(" → "),
        expected: "files that do not lead back",
      });
      continue;
    }
    base = overlay(base, await readTree(file, problems, item.place, chain));
  }
  return overlay(base, { above: expandShorthand(without(root, ["extends"])) as Mapping });
}

function extendedFiles(root: Mapping, problems: Problems): Node[] {
  const key = writtenKey(root, "extends");
  if (key === undefined) return [];
  const node = root.entries.get(key)!.node;
  const items = node.type === "list" ? node.items : [node];
  return items.filter((item) => {
    if (textOf(item)) return true;
    problems.add(item.place, { what: "extends", got: showValueOf(item), expected: "a YAML file's path, or a list of them" });
    return false;
  });
}

async function readText(file: string, where: string): Promise<string> {
  if (!existsSync(file)) {
    throw new ConfigError({
      where,
      what: "cannot read the configuration",
      got: `no file at ${displayPath(file)}`,
      expected: "a YAML file",
      fix: `Check the path; the working folder is ${process.cwd()}`,
    });
  }
  try {
    return await readFile(file, "utf8");
  } catch (error) {
    const got = (error as Error).message;
    throw new ConfigError({ where, what: `cannot read ${displayPath(file)}`, got, expected: "a YAML file" });
  }
}

export function asMapping(root: Node): Mapping {
  if (root.type === "mapping") return root;
  const isEmpty = root.type === "leaf" && root.value === null;
  throw new ConfigError({
    where: root.place.where,
    what: "not a configuration",
    got: isEmpty ? "an empty file" : showValueOf(root),
    expected: "a mapping that starts with `algorithm:`",
  });
}
