/** The translation as people read it, and the table of all keys for the docs. */
import type { VerlRule } from "./verl-rule.js";
import { verlRules } from "./verl-rules.js";
import type { TranslatedKey, VerlTable } from "./verl-translation.js";

/** What became of each key of the file, and what is to be known about the others. */
export function verlTableText({ keys, notes }: VerlTable): string {
  const parts: [title: string, keys: readonly TranslatedKey[]][] = [
    ["Translated from VERL's shape", keys.filter(({ written }) => written)],
    ["Not written: verl's own defaults", keys.filter(({ written }) => !written)],
  ];
  const widths = [0, 1].map((column) => Math.max(0, ...keys.map((key) => cells(key)[column]!.length)));
  const line = (row: readonly string[]): string => `  ${row.map((cell, i) => (i < 2 ? cell.padEnd(widths[i]!) : cell)).join("  ")}`;
  const tables = parts.filter(([, rows]) => rows.length > 0).map(([title, rows]) => [title, ...rows.map((key) => line(cells(key)))]);
  return [...tables.flat(), ...(notes.length > 0 ? ["Notes", ...notes.map((note) => `  - ${note}`)] : [])].join("\n");
}

function cells({ verl, ours, value, over }: TranslatedKey): [string, string, string] {
  return [verl, ours, `${typeof value === "string" ? value : JSON.stringify(value)}${over ? "  (set over it)" : ""}`];
}

/** A line of the docs' table. Keys of which the same is to be said stand together. */
export interface VerlKeyRow {
  verl: readonly string[];
  ours: string;
  fallback: unknown;
  remark: string;
}

/** Every key that is known, in the order of the translation. */
export function verlKeys(): VerlKeyRow[] {
  const rows: VerlKeyRow[] = [];
  for (const rule of verlRules) {
    const last = rows.at(-1);
    if (rule.idle && last && last.remark === remarkOf(rule)) rows[rows.length - 1] = { ...last, verl: [...last.verl, rule.key] };
    else rows.push({ verl: [rule.key], ours: rule.ours ?? "", fallback: rule.fallback, remark: remarkOf(rule) });
  }
  return rows;
}

function remarkOf({ idle, remark = "" }: VerlRule): string {
  return idle ? `no counterpart: ${remark}` : remark;
}
