/** The report of `verlet data inspect` for the screen. */
import type { InspectReport, RowProblem, Sample, Spread } from "@verlet/data";
import { compact, table, type styles } from "./output.js";

type Colors = ReturnType<typeof styles>;

/** So many single rows of a list are shown. */
const SHOWN = 10;
const BAR = 40;

export function inspectText(source: string, report: InspectReport, evaluation: string | undefined, colors: Colors): string {
  const { rows, layout, duplicates, overlap, broken, problems } = report;
  const problem = ({ where, what }: RowProblem): string => `${where}  ${what}`;
  const pair = ({ where, as }: { where: string; as: string }): string => `${where}  as  ${as}`;
  const sections = [
    `${source}: ${rows} rows${layout === undefined ? "" : `, ${layout}`}`,
    section("Columns", table(report.columns.map(({ name, types }) => [`  ${name}`, Object.entries(types).map(([type, count]) => (count === rows ? type : `${type} ${count}`)).join(", ")]))),
    section("Fits", fitsText(report, colors)),
    ...report.lengths.map(({ of, spread }) => section(`Length of a ${of}, in ${report.unit}${of === "row" ? ", its stop counted as one" : ""}`, spreadText(spread))),
    ...(report.limits ? [section("Limits", limitsText(report.limits))] : []),
    ...(broken ? [listed(`Cannot be read, and left out: ${broken.rows}`, broken.first.map(problem), broken.rows)] : []),
    listed(`Problems: ${problems.length}`, problems.map(problem)),
    listed(`Duplicates: ${duplicates.length}`, duplicates.map(pair)),
    ...(overlap ? [listed(`Rows that are in ${evaluation} too: ${overlap.length}`, overlap.map(pair))] : []),
    ...report.samples.map((sample) => section(`Sample ${sample.where}${colors.isColorSupported ? "" : ", ⟦what is trained⟧"}`, sampleText(sample, colors))),
  ];
  return sections.join("\n\n");
}

function section(title: string, body: string): string {
  return `${title}\n${body}`;
}

/** @param count of all, where not every line is at hand */
function listed(title: string, lines: readonly string[], count = lines.length): string {
  const more = count > SHOWN ? [`  … and ${count - SHOWN} more`] : [];
  return [title, ...lines.slice(0, SHOWN).map((line) => `  ${line}`), ...more].join("\n");
}

function fitsText({ fits, rows, answers }: InspectReport, colors: Colors): string {
  return table(
    fits.map(({ trainer, columns, rows: fitting, missing }) => {
      if (fitting === 0) return [`  ${colors.dim("no")}`, trainer, colors.dim(`needs ${columns}`)];
      const yes = fitting === rows ? colors.green("yes") : colors.yellow(`${fitting} of ${rows}`);
      const note = trainer.startsWith("RL") ? (answers === rows ? "with an answer to compare with" : `${answers} rows have an answer column to compare with`) : (missing ?? "");
      return [`  ${yes}`, trainer, fitting === rows && !trainer.startsWith("RL") ? "" : note];
    }),
  );
}

function spreadText({ min, median, mean, p95, max, bins }: Spread): string {
  const most = Math.max(...bins.map(({ count }) => count));
  const labels = bins.map(({ from, to }) => (from === to ? `${from}` : `${from}–${to}`));
  const width = Math.max(...labels.map((label) => label.length));
  const lines = bins.map(({ count }, i) => `  ${labels[i]!.padStart(width)}  ${"█".repeat(Math.max(Number(count > 0), Math.round((count / most) * BAR)))} ${count}`);
  return [`  least ${min}, median ${median}, mean ${compact(mean)}, 95 % up to ${p95}, most ${max}`, ...lines].join("\n");
}

function limitsText({ maxLength, truncated, dropped, maxPromptTokens, droppedPrompts }: NonNullable<InspectReport["limits"]>): string {
  return table([
    [`  maxLength ${maxLength}`, `${truncated} rows cut at the end (their stop token is lost), ${dropped} dropped with no token left to train`],
    [`  maxPromptTokens ${maxPromptTokens}`, `${droppedPrompts} prompts dropped`],
  ]);
}

function sampleText({ parts }: Sample, colors: Colors): string {
  const text = parts.map(({ text: part, trained }) => (trained ? mark(part, colors) : part)).join("");
  return text.replace(/\n$/, "").split("\n").map((line) => `  ${line}`).join("\n");
}

/** Line by line, so that what is put before a line keeps its colour. */
function mark(text: string, colors: Colors): string {
  if (!colors.isColorSupported) return `⟦${text}⟧`;
  return text.split("\n").map((line) => (line === "" ? "" : colors.green(line))).join("\n");
}
