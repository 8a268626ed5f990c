/** Which columns of a row hold what. */
import type { DataSection, Row } from "@verlet/core";
import { DataError } from "@verlet/core";
import { answerIn, fromLayout, layoutHas } from "./layouts.js";

export type ColumnRole = "prompt" | "completion" | "messages" | "text" | "answer";
export type RowFormat = "messages" | "prompt-completion" | "text";

/** The name a column has where `data.columns` does not say otherwise: the role's own. */
export function columnName(columns: DataSection["columns"], role: ColumnRole): string {
  return columns[role] ?? role;
}

/** What stands at a place that `findColumn` found. */
export interface FoundColumn {
  value: unknown;
}

/**
 * The row's column of that name. Where there is none, a dotted name leads into a column that holds a mapping:
 * `reward_model.ground_truth` is VERL's place of the answer.
 */
export function findColumn(row: Row, name: string): FoundColumn | undefined {
  if (Object.hasOwn(row, name)) return { value: row[name] };
  return name.split(".").reduce<FoundColumn | undefined>((found, key) => (found && isMapping(found.value) && Object.hasOwn(found.value, key) ? { value: found.value[key] } : undefined), { value: row });
}

function isMapping(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

const formats: readonly { format: RowFormat; roles: readonly ColumnRole[] }[] = [
  { format: "prompt-completion", roles: ["prompt", "completion"] },
  { format: "messages", roles: ["messages"] },
  { format: "text", roles: ["text"] },
];

/**
 * The format that `data.columns` names, else the first of prompt + completion, messages and text whose columns the row has,
 * under their own names or in a layout that is known; rows of several data sets may differ in it.
 * @param usual the format of the first row, for one that has nothing to train on: its columns are then asked for by name.
 * @throws DataError when there is none.
 */
export function detectFormat(row: Row, columns: DataSection["columns"], where: string, usual?: RowFormat): RowFormat {
  const named = formats.find(({ roles }) => roles.some((role) => columns[role] !== undefined));
  const found = named ?? formats.find(({ roles }) => roles.every((role) => findColumn(row, role) !== undefined || layoutHas(row, columns, role)));
  if (found) return found.format;
  if (usual) return usual;
  throw new DataError({
    where,
    what: "no columns to train on",
    got: listColumns(row),
    expected: '"prompt" and "completion", "messages", "text", or rows of Alpaca, ShareGPT or GSM8K',
    fix: "Set data.columns.prompt and data.columns.completion, data.columns.messages, or data.columns.text",
  });
}

/** What rewards compare with, out of the answer column of that name; undefined where the row has no such column. */
export function answerOf(row: Row, name: string): unknown {
  const found = findColumn(row, name);
  return found && answerIn(row, name, found.value);
}

/** @throws DataError naming the missing column, the columns there are, and the key to set. */
export function columnOf(row: Row, columns: DataSection["columns"], role: ColumnRole, where: string): unknown {
  const name = columnName(columns, role);
  const found = findColumn(row, name) ?? (columns[role] === undefined ? fromLayout(row, columns, role, where) : undefined);
  if (found) return found.value;
  throw new DataError({
    where,
    what: `no column "${name}"`,
    got: listColumns(row),
    expected: `a column that holds the ${role}`,
    fix: `Set data.columns.${role} to its name`,
  });
}

export function listColumns(row: Row): string {
  const names = Object.keys(row);
  return names.length > 0 ? `columns ${names.join(", ")}` : "a row without columns";
}
