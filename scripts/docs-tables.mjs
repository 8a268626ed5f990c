/**
 * Fills the tables of docs/ from the code: `node scripts/docs-tables.mjs` after a build rewrites what stands between
 * `<!-- keys: trainer -->` or `<!-- parts: reward -->` and `<!-- end -->`. A test says when they are out of date.
 */
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { loadBuiltins, schemaJson } from "../packages/config/dist/index.js";
import { registry } from "../packages/core/dist/index.js";

const docs = fileURLToPath(new URL("../docs/", import.meta.url));

/** Every page of docs/ as it is and as it should be. */
export async function checkedPages() {
  await loadBuiltins();
  const { properties } = schemaJson();
  return readdirSync(docs)
    .filter((name) => name.endsWith(".md"))
    .map((name) => {
      const text = readFileSync(join(docs, name), "utf8");
      const filled = text.replace(/(<!-- (keys|parts): (\w+) -->\n)[^]*?(<!-- end -->)/g, (_, start, what, key, end) => {
        const table = what === "keys" ? keyTable(key, properties[key]) : partTable(key);
        return `${start}\n${table}\n\n${end}`;
      });
      return { name, path: join(docs, name), text, filled };
    });
}

function keyTable(section, schema) {
  const rows = keysOf(section, schema).map(({ key, fallback, description }) => `| \`${key}\` | ${fallback} | ${description} |`);
  return ["| key | default | meaning |", "| --- | --- | --- |", ...rows].join("\n");
}

/** Where a section is one of several forms, the full form of its first part stands for all. */
function keysOf(prefix, schema) {
  const forms = schema.anyOf ?? schema.items?.anyOf;
  const { properties = {}, required = [] } = forms ? forms.find((form) => form.properties) : schema;
  return Object.entries(properties).flatMap(([name, child]) => {
    const key = `${prefix}.${name}`;
    if (name === "options" || (forms && name === "name")) return [];
    const fallback = child.default === undefined ? (required.includes(name) ? "required" : "–") : `\`${JSON.stringify(child.default)}\``;
    const row = { key, fallback: fallback === "`{}`" ? "–" : fallback, description: escape(child.description ?? "") };
    return child.properties ? [row, ...keysOf(key, child)] : [row];
  });
}

function partTable(kind) {
  const rows = registry.list(kind).map(({ name, doc }) => `| \`${name}\` | ${escape(doc)} |`);
  return ["| name | what it does |", "| --- | --- |", ...rows].join("\n");
}

const escape = (text) => text.replaceAll("|", "\\|").replaceAll("<", "&lt;");

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  for (const { path, filled } of await checkedPages()) writeFileSync(path, filled);
}
