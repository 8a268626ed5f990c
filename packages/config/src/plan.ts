/** The plan a run prints before its first step: who does what, and where that code is. */
import { kindLabels } from "@verlet/core";
import { describeSource } from "@verlet/data";
import { usedEntries } from "./check-needs.js";
import { displayPath } from "./read-tree.js";
import type { LoadedConfig } from "./types.js";

/** A line that the caller adds, such as the backend or the memory it will take. */
export interface PlanLine {
  role: string;
  text: string;
  /** On a line of their own below. */
  details?: string;
}

/** `key=value` pairs; values that are not set are left out. */
function settings(values: object): string {
  return Object.entries(values)
    .filter(([, value]) => value !== undefined)
    .map(([key, value]) => `${key}=${showSetting(value)}`)
    .join(" ");
}

function showSetting(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(showSetting).join(", ")}]`;
  return value !== null && typeof value === "object" ? `{${settings(value)}}` : String(value);
}

export function planText({ config, path, preset }: Pick<LoadedConfig, "config" | "path" | "preset">, extra: readonly PlanLine[] = []): string {
  const parts = usedEntries(config).map(({ entry, choice: { name, options, ...rest } }): [string, string, string] => [
    kindLabels[entry.kind],
    `${name}  (${displayPath(entry.source)})`,
    settings({ ...rest, ...options }),
  ]);
  const { uses } = usedEntries(config)[0]!.entry;
  const sections: [string, string, string][] = [
    ["model", config.model.path, settings({ ...config.model, path: undefined })],
    ["data", describeSource(config.data.train), settings({ ...config.data, train: undefined, eval: config.data.eval && describeSource(config.data.eval) })],
    ...(uses.includes("rollout") ? [["rollout", settings(config.rollout), ""] as [string, string, string]] : []),
    ["optimizer", settings(config.optimizer), ""],
    ["trainer", settings({ ...config.trainer, loggers: undefined }), ""],
    ...extra.map(({ role, text, details = "" }): [string, string, string] => [role, text, details]),
  ];
  const named: [string, string, string][] = preset ? [["preset", `${preset.name}  (${displayPath(preset.source)})`, ""]] : [];
  const lines = [...named, ...parts, ...sections];
  const width = Math.max(...lines.map(([role]) => role.length)) + 2;
  const body = lines.flatMap(([role, text, options]) => [
    `  ${role.padEnd(width)}${text}`,
    ...(options ? [`  ${" ".repeat(width)}${options}`] : []),
  ]);
  return [path ? `Plan of ${displayPath(path)}` : "Plan", ...body].join("\n");
}
