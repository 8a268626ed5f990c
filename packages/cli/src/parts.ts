/** The registered parts, as `list`, `explain` and `schema` see them. */
import { relative, sep } from "node:path";
import { kinds, nearest, type RegistryEntry } from "@verlet/core";
import { loadBuiltins, loadPlugins } from "@verlet/config";
import "@verlet/manager";
import "@verlet/model";
import { plainKind } from "./plain-kind.js";
import { UsageError } from "./report-error.js";

/** Registers everything that comes with verlet, and the plugins given. */
export async function loadParts(plugins: readonly string[] = []): Promise<void> {
  await loadBuiltins();
  await loadPlugins(plugins, process.cwd());
}

/** What `list` and `explain` know: the registry's kinds, and presets, which are no code. */
export const listedKinds = [...kinds, "preset"] as const;
export type ListedKind = (typeof listedKinds)[number];

/** A kind in any spelling: `policyLoss`, `policy-loss`, `policy_losses`. */
export function parseKind(text: string): ListedKind {
  const kind = listedKinds.find((name) => plainKind(name) === plainKind(text));
  if (kind) return kind;
  const suggestion = nearest(text, listedKinds);
  throw new UsageError(`unknown kind '${text}'${suggestion ? `\n(Did you mean ${suggestion}?)` : ""}\nKinds: ${listedKinds.join(", ")}`);
}

/** Where a part's code is: the file as seen from here when it lies below, its full path otherwise. */
export function sourceOf({ source }: Pick<RegistryEntry, "source">): string {
  const path = relative(process.cwd(), source);
  return path.startsWith(`..${sep}`) ? source : path;
}

/** What a part came with: a package of verlet's own, or the user's file. */
export function originOf(entry: Pick<RegistryEntry, "source" | "package" | "version">): string {
  const { package: name, version } = entry;
  return name.startsWith("@verlet/") ? `${name} ${version}` : sourceOf(entry);
}
