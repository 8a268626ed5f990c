/** Finds and imports the user's modules: files beside the YAML and packages, TypeScript without a build. */
import { existsSync, realpathSync } from "node:fs";
import { isAbsolute, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { RegistryError, VerletError } from "@verlet/core";
import { createJiti } from "jiti";
import { displayPath } from "./read-tree.js";

const scoped = ["core", "backend", "config", "rl", "optim", "model", "data", "rollout", "checkpoint", "manager", "pipeline", "verl", "agents"];
const ownPackages = ["verlet", ...scoped.map((name) => `@verlet/${name}`)];

let aliases: Record<string, string> | undefined;

/** Makes what a module imports of verlet this process's copy, wherever the module lies. */
function ownAliases(): Record<string, string> {
  return (aliases ??= Object.fromEntries(
    ownPackages.flatMap((name) => {
      try {
        return [[name, fileURLToPath(import.meta.resolve(name))]];
      } catch {
        return []; // not installed beside this package: the module's own look-up decides
      }
    }),
  ));
}

/** Imports one file, compiled on the way when it is TypeScript. */
export async function importModule(file: string): Promise<Record<string, unknown>> {
  return createJiti(file, { alias: ownAliases(), interopDefault: false }).import<Record<string, unknown>>(file);
}

/** Whether a spec names a file; everything else is a package. */
export function isFileSpec(spec: string): boolean {
  return /^\.{1,2}([/\\]|$)/.test(spec) || isAbsolute(spec);
}

/**
 * The full path of a file relative to `folder`, or of a package found from there or from the working folder.
 * @param role how messages name it.
 * @throws RegistryError when there is none.
 */
export function resolveModule(spec: string, folder: string, role: "plugin" | "module"): string {
  const where = `${role} ${spec}`;
  if (isFileSpec(spec)) {
    const file = resolve(folder, spec);
    if (existsSync(file)) return realpathSync(file);
    const [got, from] = [displayPath(file), displayPath(folder)];
    throw new RegistryError({ where, what: "no such file", got, expected: "a .ts or .js file", fix: `Paths start from ${from}` });
  }
  const own = spec.startsWith("@verlet/") ? [import.meta.dirname] : []; // found beside this package, wherever the run starts
  for (const start of new Set([folder, process.cwd(), ...own])) {
    const found = createJiti(join(start, "verlet.yaml")).esmResolve(spec, { try: true });
    if (found) return realpathSync(found.startsWith("file:") ? fileURLToPath(found) : found);
  }
  const isNearbyFile = existsSync(resolve(folder, spec));
  throw new RegistryError({
    where,
    what: "no such package",
    got: `nothing named "${spec}" in node_modules of ${displayPath(folder)} or above`,
    expected: "an installed package, or a file as ./name.ts",
    fix: isNearbyFile ? `Write ./${spec} for the file` : `Run npm install ${spec}`,
  });
}

/** The error of a module that failed while it was imported: what it said, and where in the user's code. */
export function loadFailure(where: string, file: string, error: unknown): RegistryError {
  if (error instanceof VerletError) {
    return new RegistryError({ ...error.parts, where, what: `${error.parts.where}: ${error.parts.what}` }, { cause: error });
  }
  const { name, message, stack = "" } = error instanceof Error ? error : new Error(String(error));
  const words = message.split("\n")[0]!.trim().replace(/\.$/, "");
  // A syntax error has its position in the message; in a stack only the lines are those of the source.
  const position = positionsIn(message)[0] ?? positionsIn(stack)[0]?.replace(/:\d+$/, "") ?? displayPath(file);
  return new RegistryError(
    {
      where,
      what: "failed while it was loaded",
      got: `${name === "Error" ? words : `${name}: ${words}`} at ${position}`,
      fix: "Correct that file",
    },
    { cause: error },
  );
}

/** The `file:line:column`s in a message or stack that are not the loader's or Node's own. */
function positionsIn(text: string): string[] {
  const found = [...text.matchAll(/(?<![\w:/.-])((?:file:\/\/)?(?:\/|[A-Za-z]:\\)[^\s():]+):(\d+):(\d+)/g)];
  return found
    .filter(([, path]) => !/[\\/]jiti[\\/](dist|lib)[\\/]/.test(path!))
    .map(([, path, line, column]) => `${displayPath(path!.startsWith("file:") ? fileURLToPath(path!) : path!)}:${line}:${column}`);
}
