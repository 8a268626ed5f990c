/** The content of a report, and its Markdown. */
import type { Metrics } from "@verlet/core";
import { checkExpectations, describeBounds, type CheckedExpectation } from "./expectations.js";
import type { StageRecord } from "./records.js";
import type { StageSummary } from "./stage-kind.js";

export interface PipelineReport {
  title: string;
  stages: { name: string; uses: string; seconds: number; finished: string; facts: StageRecord["facts"]; metrics: Metrics; outputs: StageRecord["outputs"]; expected: CheckedExpectation[] }[];
  /** Metrics that several evaluations have, in the order of the stages. */
  compared: { metric: string; values: { stage: string; value: number }[]; change: number }[];
}

export function reportOf(title: string, stages: readonly StageSummary[], records: readonly StageRecord[]): PipelineReport {
  const rows = stages.map(({ name, expect }) => {
    const { uses, seconds, written, facts, metrics, outputs } = records.find(({ stage }) => stage === name)!;
    return { name, uses, seconds, finished: written, facts, metrics, outputs, expected: checkExpectations(name, expect, metrics, records) };
  });
  const measured = rows.map(({ name, metrics }) => ({ name, metrics: evaluated(metrics) })).filter(({ metrics }) => Object.keys(metrics).length > 0);
  const names = [...new Set(measured.flatMap(({ metrics }) => Object.keys(metrics)))];
  const compared = names.flatMap((metric) => {
    const values = measured.flatMap(({ name, metrics }) => (metrics[metric] === undefined ? [] : [{ stage: name, value: metrics[metric] }]));
    return values.length > 1 ? [{ metric, values, change: values.at(-1)!.value - values[0]!.value }] : [];
  });
  return { title, stages: rows, compared };
}

/** What was measured on evaluation rows; the last training step's numbers are of other rows each. */
const evaluated = (metrics: Metrics): Metrics => Object.fromEntries(Object.entries(metrics).filter(([name]) => name.startsWith("eval/")));

export function reportMarkdown({ title, stages, compared }: PipelineReport): string {
  const measuring = stages.map(({ name }) => name).filter((name) => compared.some(({ values }) => values.some(({ stage }) => stage === name)));
  const comparison = compared.map(({ metric, values, change }) => [
    code(metric),
    ...measuring.map((name) => number(values.find(({ stage }) => stage === name)?.value)),
    `${change > 0 ? "+" : ""}${number(change)}`,
  ]);
  const list = stages.map(({ name, uses, seconds, finished, facts }, i) => {
    const more = Object.entries(facts).map(([key, value]) => `${key} ${value}`);
    return [String(i + 1), name, uses, seconds.toFixed(1), finished, more.join(", ")];
  });
  const expectations = stages.flatMap(({ name, expected }) =>
    expected.map(({ metric, measured, met, ...bounds }) => [name, code(metric), number(measured), describeBounds(bounds), met ? "yes" : "no"]),
  );
  return [
    `# ${title}`,
    "",
    "Every number was measured by the stage that it stands under; a training's are those of its last step.",
    ...section("Before and after", ["metric", ...measuring, "change"], comparison),
    ...section("Expectations", ["stage", "metric", "measured", "expected", "met"], expectations),
    ...section("Stages", ["", "stage", "uses", "seconds", "done at", ""], list),
    ...stages.flatMap(({ name, metrics }) => section(`Measured by ${name}`, ["metric", "value"], Object.entries(metrics).map(([metric, value]) => [code(metric), number(value)]))),
    "",
  ].join("\n");
}

function section(heading: string, head: readonly string[], rows: readonly (readonly string[])[]): string[] {
  if (rows.length === 0) return [];
  const line = (cells: readonly string[]): string => `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
  return ["", `## ${heading}`, "", line(head), line(head.map(() => "---")), ...rows.map(line)];
}

const code = (text: string): string => `\`${text}\``;
/** At most five significant digits; a metric that was not measured stays empty. */
const number = (value: number | undefined): string => (value === undefined ? "" : String(Number(value.toPrecision(5))));
