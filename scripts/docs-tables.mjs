/**
 * Fills the tables of docs/ from the code: `node scripts/docs-tables.mjs` after a build rewrites what stands between
 * `<!-- keys: trainer -->`, `<!-- parts: reward -->`, `<!-- algorithms: advantage -->` or `<!-- verl: data -->` and `<!-- end -->`. A test says
 * when they are out of date.
 */
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { DEFAULT_LOSS, DEFAULT_REWARD_MANAGER, loadBuiltins, schemaJson, verlKeys } from "../packages/config/dist/index.js";
import { registry } from "../packages/core/dist/index.js";
import { algorithmTable, algorithmTables, liveRows, writtenRows } from "./docs-algorithms.mjs";

const defaultParts = { loss: DEFAULT_LOSS, rewardManager: DEFAULT_REWARD_MANAGER };
const docs = fileURLToPath(new URL("../docs/", import.meta.url));

/** Every page of docs/ as it is and as it should be. */
export async function checkedPages() {
  await loadBuiltins();
  const { properties } = schemaJson();
  return readdirSync(docs)
    .filter((name) => name.endsWith(".md"))
    .map((name) => {
      const text = readFileSync(join(docs, name), "utf8");
      const tables = {
        keys: (key) => keyTable(key, properties[key]),
        parts: partTable,
        verl: verlTable,
        algorithms: (key, written) => algorithmTable(key, written, liveRows(key, properties, keysOf)),
      };
      const filled = text.replace(/(<!-- (keys|parts|algorithms|verl): (\w+) -->\n)([^]*?)(<!-- end -->)/g, (_, start, what, key, written, end) => `${start}\n${tables[what](key, written)}\n\n${end}`);
      return { name, path: join(docs, name), text, filled };
    });
}

/** Each table of docs/algorithms.md: the names there are, and the rows written by hand. */
export async function algorithmRows() {
  await loadBuiltins();
  const { properties } = schemaJson();
  const text = readFileSync(join(docs, "algorithms.md"), "utf8");
  return algorithmTables.map((table) => {
    const written = new RegExp(`<!-- algorithms: ${table} -->\\n([^]*?)<!-- end -->`).exec(text)?.[1] ?? "";
    return { table, names: liveRows(table, properties, keysOf).map(({ name }) => name), rows: [...writtenRows(written)].map(([name, cells]) => ({ name, cells })) };
  });
}

function keyTable(section, schema) {
  const rows = keysOf(section, schema).map(({ key, fallback, description }) => `| \`${key}\` | ${fallback} | ${description} |`);
  return ["| key | default | meaning |", "| --- | --- | --- |", ...rows].join("\n");
}

/** Where a section is one of several forms, the full form of its default part, or else of the first, stands for all. */
function keysOf(prefix, schema) {
  const forms = schema.anyOf ?? schema.items?.anyOf;
  const isDefault = (form) => form.properties?.name?.const === defaultParts[prefix];
  const { properties = {}, required = [] } = forms ? (forms.find(isDefault) ?? forms.find((form) => form.properties)) : schema;
  return Object.entries(properties).flatMap(([name, child]) => {
    const key = `${prefix}.${name}`;
    if (name === "options" || (forms && name === "name")) return [];
    const fallback = child.default === undefined ? (required.includes(name) ? "required" : "–") : `\`${JSON.stringify(child.default)}\``;
    const row = { key, fallback: fallback === "`{}`" ? "–" : fallback, description: escape(child.description ?? "") };
    return child.properties ? [row, ...keysOf(key, child)] : [row];
  });
}

/** Where each table of docs/verl.md takes its keys from. */
const verlSections = {
  algorithm: /^algorithm(\.|_type)/,
  data: /^data\./,
  model: /^actor_rollout_ref\.model\./,
  actor: /^actor_rollout_ref\.actor\./,
  rollout: /^actor_rollout_ref\.rollout\./,
  critic: /^critic\./,
  reward: /^(reward|custom_reward|sandbox|verifier)/,
  trainer: /^(trainer|data_logger)\b/,
};

/** Keys that become something, and those that only switch off what verlet does not have; idle ones are listed after. */
function verlTable(section) {
  const isOf = (key) => (section === "other" ? !Object.values(verlSections).some((pattern) => pattern.test(key)) : verlSections[section].test(key));
  const rows = verlKeys().filter(({ verl }) => isOf(verl[0]));
  const shown = (value) => (value === undefined || value === null || value === "" ? "–" : `\`${JSON.stringify(value)}\``);
  const line = ({ verl, ours, fallback, remark }) =>
    `| ${verl.map((key) => `\`${key}\``).join(", ")} | ${ours ? ours.split(", ").map((key) => `\`${key}\``).join(", ") : "–"} | ${shown(fallback)} | ${escape(remark)} |`;
  return ["| VERL | verlet | verl's default | |", "| --- | --- | --- | --- |", ...rows.map(line)].join("\n");
}

function partTable(kind) {
  const rows = registry.list(kind).map(({ name, doc }) => `| \`${name}\` | ${escape(doc)} |`);
  return ["| name | what it does |", "| --- | --- |", ...rows].join("\n");
}

const escape = (text) => text.replaceAll("|", "\\|").replaceAll("<", "&lt;");

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  for (const { path, filled } of await checkedPages()) writeFileSync(path, filled);
}
