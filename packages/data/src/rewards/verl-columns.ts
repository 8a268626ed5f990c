/** The columns that VERL's data sets have: `data_source`, `reward_model.ground_truth`, `extra_info`. */
import type { Row } from "@verlet/core";

type Fields = Readonly<Record<string, unknown>>;

/** The row's `data_source`, or `dataSource`; undefined where it has neither as a name. */
export function dataSourceOf(row: Row): string | undefined {
  const source = row.data_source ?? row.dataSource;
  return typeof source === "string" && source !== "" ? source : typeof source === "number" ? String(source) : undefined;
}

/** `reward_model.ground_truth`; undefined where the row has none. */
export function groundTruthOf(row: Row): unknown {
  return isFields(row.reward_model) ? row.reward_model.ground_truth : undefined;
}

/** A copy of `extra_info`; empty where the row has none. */
export function extraInfoOf(row: Row): Record<string, unknown> {
  return isFields(row.extra_info) ? { ...row.extra_info } : {};
}

function isFields(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
