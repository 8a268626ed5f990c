/** The registered parts, as `list`, `explain` and `schema` see them. */
import { relative, sep } from "node:path";
import { kinds, nearest, type Kind, type RegistryEntry } from "@verlet/core";
import { loadBuiltins, loadPlugins } from "@verlet/config";
import "@verlet/manager";
import "@verlet/model";
import { UsageError } from "./report-error.js";

/** Registers everything that comes with verlet, and the plugins given. */
export async function loadParts(plugins: readonly string[] = []): Promise<void> {
  await loadBuiltins();
  await loadPlugins(plugins, process.cwd());
}

/** A kind in any spelling: `policyLoss`, `policy-loss`, `policy_losses`. */
export function parseKind(text: string): Kind {
  const plain = (name: string): string => name.toLowerCase().replaceAll(/[^a-z]/g, "").replace(/(?<=ss)es$|(?<!s)s$/, "");
  const kind = kinds.find((name) => plain(name) === plain(text));
  if (kind) return kind;
  const suggestion = nearest(text, kinds);
  throw new UsageError(`unknown kind '${text}'${suggestion ? `\n(Did you mean ${suggestion}?)` : ""}\nKinds: ${kinds.join(", ")}`);
}

/** Where a part's code is: the file as seen from here when it lies below, its full path otherwise. */
export function sourceOf({ source }: RegistryEntry): string {
  const path = relative(process.cwd(), source);
  return path.startsWith(`..${sep}`) ? source : path;
}

/** What a part came with: a package of verlet's own, or the user's file. */
export function originOf(entry: RegistryEntry): string {
  const { package: name, version } = entry;
  return name.startsWith("@verlet/") ? `${name} ${version}` : sourceOf(entry);
}
