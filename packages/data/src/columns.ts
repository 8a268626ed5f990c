/** Which columns of a row hold what. */
import type { DataSection, Row } from "@verlet/core";
import { DataError } from "@verlet/core";

export type ColumnRole = "prompt" | "completion" | "messages" | "text" | "answer";
export type RowFormat = "messages" | "prompt-completion" | "text";

/** The name a column has where `data.columns` does not say otherwise: the role's own. */
export function columnName(columns: DataSection["columns"], role: ColumnRole): string {
  return columns[role] ?? role;
}

const formats: readonly { format: RowFormat; roles: readonly ColumnRole[] }[] = [
  { format: "prompt-completion", roles: ["prompt", "completion"] },
  { format: "messages", roles: ["messages"] },
  { format: "text", roles: ["text"] },
];

/**
 * The format that `data.columns` names, else the first of prompt + completion, messages and text whose columns the row has.
 * @throws DataError when there is none.
 */
export function detectFormat(row: Row, columns: DataSection["columns"], where: string): RowFormat {
  const named = formats.find(({ roles }) => roles.some((role) => columns[role] !== undefined));
  const found = named ?? formats.find(({ roles }) => roles.every((role) => Object.hasOwn(row, role)));
  if (found) return found.format;
  throw new DataError({
    where,
    what: "no columns to train on",
    got: listColumns(row),
    expected: '"prompt" and "completion", "messages", or "text"',
    fix: "Set data.columns.prompt and data.columns.completion, data.columns.messages, or data.columns.text",
  });
}

/** @throws DataError naming the missing column, the columns there are, and the key to set. */
export function columnOf(row: Row, columns: DataSection["columns"], role: ColumnRole, where: string): unknown {
  const name = columnName(columns, role);
  if (Object.hasOwn(row, name)) return row[name];
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
