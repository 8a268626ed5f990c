import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { kinds, registry } from "@verlet/core";
import { expect, test } from "vitest";
import { createProgram } from "../../packages/cli/dist/program.js";
import { algorithmRows, checkedPages } from "../../scripts/docs-tables.mjs";

const root = fileURLToPath(new URL("../../", import.meta.url));
const read = (path: string): string => readFileSync(join(root, path), "utf8");
const pages = ["README.md", ...readdirSync(join(root, "docs")).map((name) => `docs/${name}`)];
const tables = await checkedPages();

test.each(tables.map(({ name, text, filled }) => [name, text, filled]))("the tables of docs/%s are those of the code", (_, text, filled) => {
  expect(text, "npm run build && node scripts/docs-tables.mjs brings them up to date").toBe(filled);
});

test("docs/plugins.md has a table for each kind with several parts", () => {
  const listed = [...read("docs/plugins.md").matchAll(/<!-- parts: (\w+) -->/g)].map(([, kind]) => kind);
  expect(listed.sort()).toEqual(kinds.filter((kind) => kind !== "trainingManager").sort());
  expect(registry.names("reward").length).toBeGreaterThan(3);
});

test.each((await algorithmRows()).map(({ table, ...rest }) => [table, rest] as const))("docs/algorithms.md has a full row for every %s there is, and for no other", (_, { names, rows }) => {
  expect(names.length).toBeGreaterThan(2);
  expect(rows.map(({ name }) => name).sort()).toEqual([...names].sort());
  expect(rows.flatMap(({ name, cells }) => Object.entries(cells).flatMap(([column, cell]) => (cell === "" ? [`${name}: ${column}`] : [])))).toEqual([]);
});

test.each(pages)("every relative link of %s leads somewhere", (page) => {
  const links = [...read(page).matchAll(/\]\((?!https?:)([^)#]+)/g)].map(([, target]) => target!);
  expect(links.filter((target) => !existsSync(join(root, dirname(page), target)))).toEqual([]);
});

test("the README's code is that of the examples", () => {
  const blocks = [...read("README.md").matchAll(/```ts\n([^]*?)```/g)].map(([, code]) => code);
  expect(blocks).toEqual([read("examples/custom-reward/concise.ts"), read("examples/script/train.ts")]);
});

test("the README's table holds every verb, and no other", () => {
  const verbs = createProgram().commands.map((command) => command.name());
  const written = [...read("README.md").matchAll(/^\| `verlet (\w+)/gm)].map(([, verb]) => verb!);
  expect(written.sort()).toEqual(verbs.filter((verb) => verb !== "help").sort());
});

test("the README's tree names every package", () => {
  const tree = read("README.md").split("## Where things are")[1]!;
  const written = [...tree.matchAll(/^ {2}(\w+)\//gm)].map(([, name]) => name!);
  expect(written.sort()).toEqual(readdirSync(join(root, "packages")).sort());
});

test("docs/dependencies.md names every dependency with its version", () => {
  const manifests = ["plugins", ...readdirSync(join(root, "packages")).map((name) => `packages/${name}`)].map((folder) => JSON.parse(read(`${folder}/package.json`)) as { dependencies: Record<string, string> });
  const wanted = new Set(manifests.flatMap(({ dependencies }) => Object.entries(dependencies)).filter(([name]) => !/^(@verlet\/|verlet$)/.test(name)).map(([name, version]) => `| \`${name}\` | ${version} |`));
  const page = read("docs/dependencies.md");
  expect([...wanted].filter((row) => !page.includes(row))).toEqual([]);
});
