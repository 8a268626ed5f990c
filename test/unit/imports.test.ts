/** Imports point one way: core ← packages ← plugins. */
import { existsSync, readFileSync, readdirSync } from "node:fs";
import { dirname, join, relative, resolve, sep } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";

const root = fileURLToPath(new URL("../../", import.meta.url));

interface Import {
  file: string;
  specifier: string;
  /** A relative import as a path from the root. */
  target: string;
}

function sources(folder: string): string[] {
  return readdirSync(join(root, folder), { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".ts") && !/(^|[\\/])(dist|node_modules)[\\/]/.test(name))
    .map((name) => join(folder, name));
}

/** `import … from "x"`, `export … from "x"`, `import "x"`, `import("x")`, over several lines too. */
const statement = /(?:^|[\n;])\s*(?:import|export)\b[^"'`;]*?["']([^"'\n]+)["']|\bimport\(\s*["']([^"'\n]+)["']/g;

function importsOf(file: string): Import[] {
  const text = readFileSync(join(root, file), "utf8").replaceAll(/\/\*[\s\S]*?\*\//g, "");
  return [...text.matchAll(statement)].map((match) => {
    const specifier = (match[1] ?? match[2])!;
    const target = specifier.startsWith(".") ? relative(root, resolve(root, dirname(file), specifier)) : specifier;
    return { file, specifier, target };
  });
}

const show = ({ file, specifier }: Import): string => `${file} imports ${specifier}`;
const folderNames = (folder: string): string[] =>
  readdirSync(join(root, folder)).filter((name) => existsSync(join(root, folder, name, "package.json")));

const packages = folderNames("packages");
const importsIn = (name: string): Import[] => sources(`packages/${name}/src`).flatMap(importsOf);
const isVerlet = ({ specifier }: Import): boolean => specifier === "verlet" || specifier.startsWith("@verlet/");
const isPlugin = ({ target }: Import): boolean => target.startsWith("@verlet/plugins") || target.startsWith(`plugins${sep}`);

test("the statements are found", () => {
  const found = importsOf("packages/core/src/registry.ts").map(({ specifier }) => specifier);
  expect(found).toContain("./errors.js");
  expect(found).toContain("./suggest.js");
  expect(packages).toContain("manager");
  expect(importsIn("config").filter(isVerlet).length).toBeGreaterThan(5);
});

test("core imports no other package, and of TensorFlow only types", () => {
  expect(importsIn("core").filter(isVerlet).map(show)).toEqual([]);
  const tensorflow = sources("packages/core/src").flatMap((file) =>
    [...readFileSync(join(root, file), "utf8").matchAll(/^import (?!type\b).*@tensorflow/gm)].map(() => file),
  );
  expect(tensorflow).toEqual([]);
});

test.each(packages)("packages/%s stays inside itself and imports no plugin", (name) => {
  const found = importsIn(name);
  const outside = found.filter(({ specifier, target }) => specifier.startsWith(".") && !target.startsWith(join("packages", name) + sep));
  expect(outside.map(show)).toEqual([]);
  // The package users import names the built-in plugins.
  if (name !== "verlet") expect(found.filter(isPlugin).map(show)).toEqual([]);
});

test("packages depend on each other in one direction", () => {
  const below = new Map(
    packages.map((name) => {
      const used = importsIn(name).filter(isVerlet);
      return [name, new Set(used.map(({ specifier }) => specifier.replace("@verlet/", "")).filter((other) => other !== name))];
    }),
  );
  const circles: string[] = [];
  const visit = (name: string, path: readonly string[]): void => {
    if (path.includes(name)) circles.push([...path.slice(path.indexOf(name)), name].join(" → "));
    else for (const next of below.get(name) ?? []) visit(next, [...path, name]);
  };
  for (const name of packages) visit(name, []);
  expect(circles).toEqual([]);
});

describe("plugins", () => {
  const folders = readdirSync(join(root, "plugins"), { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && !["dist", "node_modules"].includes(entry.name))
    .map(({ name }) => name);

  test.each(folders)("plugins/%s imports packages and itself, no other plugin", (name) => {
    const own = join("plugins", name) + sep;
    const foreign = sources(join("plugins", name))
      .flatMap(importsOf)
      .filter((one) => isPlugin(one) && !one.target.startsWith(own));
    const upward = sources(join("plugins", name))
      .flatMap(importsOf)
      .filter(({ specifier, target }) => ["verlet", "@verlet/manager", "@verlet/cli", "@verlet/config"].includes(specifier) || target.startsWith(`packages${sep}`));
    expect([...foreign, ...upward].map(show)).toEqual([]);
  });
});

test("packages declare the verlet packages they import", () => {
  const undeclared = packages.flatMap((name) => {
    const manifest = JSON.parse(readFileSync(join(root, "packages", name, "package.json"), "utf8")) as {
      dependencies?: Record<string, string>;
    };
    return importsIn(name)
      .filter(isVerlet)
      .map(({ specifier }) => specifier.split("/").slice(0, specifier.startsWith("@") ? 2 : 1).join("/"))
      .filter((specifier) => !(specifier in (manifest.dependencies ?? {})))
      .map((specifier) => `packages/${name} lacks ${specifier}`);
  });
  expect([...new Set(undeclared)]).toEqual([]);
});
