/** A report of rewards for people. */
import { compact, styles, table } from "./output.js";
import type { Bin, OddRow, RewardReport, Summary } from "./reward-report.js";

const BAR = 24;
const SHOWN_ROWS = 10;
const SHOWN_TEXT = 100;

export function reportText(report: RewardReport, source: string): string {
  const { rows, rewards, score, metrics, odd } = report;
  const { bold } = styles();
  const [head, ...body] = table([["reward", "weight", "mean", "std", "min", "max", "null", "failed"], ...[...rewards, score].map((summary) => summaryCells(summary, rows))]).split("\n");
  const charted = rewards.length === 1 ? rewards : [...rewards, score];
  const others = Object.entries(metrics).map(([name, value]) => [`  ${name}`, compact(value)]);
  return [
    `${rows} ${source}`,
    "",
    bold(head!),
    ...body,
    ...charted.flatMap(({ name, histogram }) => (histogram.length > 0 ? ["", bold(name), ...histogramLines(histogram)] : [])),
    ...(others.length > 0 ? ["", bold("measured besides"), table(others)] : []),
    "",
    ...oddLines(odd),
  ].join("\n");
}

function summaryCells({ name, weight, mean, std, min, max, unscored, errors }: Summary, rows: number): string[] {
  const cell = (value: number | undefined): string => (value === undefined ? "–" : compact(value));
  const share = unscored === 0 ? "0 %" : `${compact((100 * unscored) / rows)} %`;
  return [name, weight === undefined ? "" : compact(weight), cell(mean), cell(std), cell(min), cell(max), share, weight === undefined ? "" : String(errors)];
}

/** One line a bin; the largest has the whole width, and none that holds something is without a mark. */
function histogramLines(bins: readonly Bin[]): string[] {
  const most = Math.max(...bins.map(({ count }) => count));
  const labels = bins.map(({ from, to }) => (from === to ? compact(from) : `${compact(from)} … ${compact(to)}`));
  const width = Math.max(...labels.map((label) => label.length));
  return bins.map(({ count }, i) => `  ${labels[i]!.padStart(width)}  ${"█".repeat(Math.ceil((BAR * count) / most))} ${count}`);
}

function oddLines(odd: readonly OddRow[]): string[] {
  if (odd.length === 0) return ["no row failed, went unscored or scored 0"];
  const heading = `${odd.length} ${odd.length === 1 ? "row" : "rows"} failed, went unscored or scored 0`;
  const more = odd.length > SHOWN_ROWS ? [`  … and ${odd.length - SHOWN_ROWS} more; --json lists them all`] : [];
  return [heading, ...odd.slice(0, SHOWN_ROWS).flatMap(oddRowLines), ...more];
}

function oddRowLines({ where, reason, rewards, failures = {}, prompt, completion }: OddRow): string[] {
  if (reason === "error") return Object.values(failures).map((message) => `  ${where}  ${message}`);
  const values = Object.entries(rewards).map(([name, value]) => `${name} ${value === null ? "null" : compact(value)}`);
  return [`  ${where}  ${values.join(", ")}`, `      prompt      ${quoted(prompt)}`, `      completion  ${quoted(completion)}`];
}

/** Both ends of a long text. */
function quoted(text: string): string {
  const half = SHOWN_TEXT / 2;
  return JSON.stringify(text.length > SHOWN_TEXT ? `${text.slice(0, half)} … ${text.slice(-half)}` : text);
}
