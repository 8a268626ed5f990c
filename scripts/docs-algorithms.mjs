/**
 * The tables of docs/algorithms.md: names, what they do and what they take come from the code, the other columns are
 * written there by hand and kept.
 */
import { listPresets } from "../packages/config/dist/index.js";
import { registry } from "../packages/core/dist/index.js";
import { wordsForNeeds } from "../packages/cli/dist/need-words.js";
import { parse } from "yaml";

/** The columns of each table, in order; those with a heading of their own are filled in. */
const columns = {
  trainer: ["name", "does", "formula", "use it", "takes", "source"],
  advantage: ["name", "does", "formula", "use it", "takes", "source"],
  policyLoss: ["name", "does", "formula", "use it", "takes", "source"],
  klEstimator: ["name", "formula", "use it"],
  aggregation: ["name", "formula", "use it", "source"],
  preset: ["name", "does", "use it", "stands", "source"],
};
const headings = { does: "what it does", takes: "needs, options, what it sets", stands: "stands for" };
const sections = { trainer: "algorithm", advantage: "advantage", policyLoss: "loss" };
const NOTHING = "–";

export const algorithmTables = Object.keys(columns);

/** What there is for a table: a row for each name, with the cells that come from the code. */
export function liveRows(table, schema, keysOf) {
  if (table === "preset") return listPresets().map(({ name, doc, yaml }) => ({ name, does: doc, stands: settings(parse(yaml)) }));
  if (table === "klEstimator" || table === "aggregation") {
    const { enum: names, default: usual } = formsOf(schema.loss).find(({ properties }) => properties).properties[table];
    return names.map((name) => ({ name, note: name === usual ? " (default)" : "" }));
  }
  return registry.list(table).map((entry) => {
    const form = formsOf(schema[sections[table]]).find(({ properties }) => properties?.name?.const === entry.name);
    const properties = Object.fromEntries(Object.keys(entry.options.shape).map((key) => [key, form.properties[key]]));
    const keys = keysOf("", { properties, required: form.required });
    const options = keys
      .filter(({ key }) => !keys.some((other) => other.key.startsWith(`${key}.`)))
      .map(({ key, fallback }) => `\`${key.slice(1)}\`${fallback === "–" ? "" : ` ${fallback === "required" ? fallback : show(JSON.parse(fallback.slice(1, -1)))}`}`);
    const takes = [
      wordsForNeeds(entry.needs).join(", "),
      options.join(", "),
      Object.keys(entry.defaults).length > 0 ? `sets ${settings(entry.defaults)}` : "",
    ];
    return { name: entry.name, does: entry.doc, takes: takes.filter(Boolean).join("; ") || NOTHING };
  });
}

const formsOf = (schema) => schema.anyOf?.flatMap(formsOf) ?? [schema];

/** The table again, in the order in which it is written: rows of new names at the end, hand-written cells as they are. */
export function algorithmTable(table, written, live) {
  const old = writtenRows(written);
  const names = [...new Set([...old.keys(), ...live.map(({ name }) => name)])];
  const rows = names.map((name) => {
    const { note = "", ...fresh } = live.find((row) => row.name === name) ?? { does: NOTHING, takes: NOTHING };
    const cells = { ...old.get(name), ...mapValues(fresh, escape), name: `\`${name}\`${note}` };
    return line(columns[table].map((column) => cells[column] ?? ""));
  });
  return [line(columns[table].map((column) => headings[column] ?? column)), line(columns[table].map(() => "---")), ...rows].join("\n");
}

/** Name → cells by column, of a table in Markdown. */
export function writtenRows(text) {
  const [head = [], , ...rows] = text.split("\n").filter((row) => row.startsWith("|")).map((row) => row.slice(1, -1).split(/(?<!\\)\|/).map((cell) => cell.trim()));
  return new Map(rows.map((cells) => [/`([^`]+)`/.exec(cells[0])[1], Object.fromEntries(head.map((column, i) => [column, cells[i] ?? ""]))]));
}

/** `loss.name` gspo, `loss.clipLow` 3e-4 */
function settings(values, prefix = "") {
  return Object.entries(values)
    .map(([key, value]) => {
      const isMapping = typeof value === "object" && value !== null && !Array.isArray(value);
      return isMapping ? settings(value, `${prefix}${key}.`) : `\`${prefix}${key}\` ${show(value)}`;
    })
    .join(", ");
}

/** A value as the YAMLs here write it: `1e-6`, `accuracy and think_format`. */
function show(value) {
  if (Array.isArray(value)) return value.join(" and ");
  return typeof value === "number" && value !== 0 && Math.abs(value) < 1e-3 ? value.toExponential() : String(value);
}

const line = (cells) => `| ${cells.join(" | ")} |`;
const escape = (text) => text.replaceAll("|", "\\|").replaceAll("<", "&lt;");
const mapValues = (object, change) => Object.fromEntries(Object.entries(object).map(([key, value]) => [key, change(value)]));
