/** A function out of a module of the user's, for parts that a YAML names by `module:` and `function:`. */
import { RegistryError } from "@verlet/core";
import type { Kind, RegistryEntry } from "@verlet/core";
import { importModule, loadFailure, resolveModule } from "./module-loader.js";
import { camel } from "./node.js";

export interface FunctionRequest {
  /** The module, as written. */
  spec: string;
  /** Left out, the module is searched. */
  name?: string;
  /** What the spec is relative to. */
  folder: string;
  /** In the names of functions of this sort. */
  word: string;
  /** More that the name may hold, where several hold the word. */
  hints?: readonly string[];
}

export interface FoundFunction {
  target: Function;
  file: string;
  name: string;
}

/** The registry's record of a part made from such a function. */
export function userEntry<K extends Kind>({ kind, name, target, options, source }: Pick<RegistryEntry<K>, "kind" | "name" | "target" | "options" | "source">): RegistryEntry<K> {
  return { kind, name, target, options, source, needs: {}, uses: [], reads: [], defaults: {}, provides: [], package: "", version: "", doc: "A function of yours." };
}

/** @throws RegistryError when the module or a fitting function is not found. */
export async function loadFunction(request: FunctionRequest): Promise<FoundFunction> {
  const { spec, folder, name: asked } = request;
  const file = resolveModule(spec, folder, "module");
  const exported = await importModule(file).catch((error: unknown) => {
    throw loadFailure(`module ${spec}`, file, error);
  });
  const name = asked === undefined ? searchFunction(request, exported) : ([asked, camel(asked)].find((one) => one in exported) ?? asked);
  const target = exported[name];
  if (typeof target === "function") return { target, file, name };
  throw new RegistryError({
    where: `module ${spec}`,
    what: `no function \`${name}\``,
    got: `the exports ${Object.keys(exported).join(", ") || "none"}`,
    expected: "an exported function of that name",
  });
}

/** The only exported function, or the only one with the word in its name, or the only such one with a hint, the first hint first. */
function searchFunction({ spec, word, hints = [] }: FunctionRequest, exported: Record<string, unknown>): string {
  const functions = Object.keys(exported).filter((name) => typeof exported[name] === "function");
  const named = functions.filter((name) => plain(name).includes(plain(word)));
  const fitting = hints.map((hint) => named.filter((name) => plain(name).includes(plain(hint))));
  const only = [functions, named, ...fitting].find((names) => names.length === 1);
  if (only) return only[0]!;
  throw new RegistryError({
    where: `module ${spec}`,
    what: functions.length === 0 ? "exports no function" : "several functions fit",
    got: (named.length > 0 ? named : functions).join(", ") || `the exports ${Object.keys(exported).join(", ") || "none"}`,
    expected: `one whose name holds "${word}"${named.length > 1 && hints.length > 0 ? ` and "${hints.join('" or "')}"` : ""}`,
    fix: functions.length === 0 ? "Export the function" : "Say which one with `function:`",
  });
}

/** So that computeGrpoAdvantage and compute_grpo_advantage are alike. */
const plain = (name: string): string => name.toLowerCase().replaceAll("_", "");
