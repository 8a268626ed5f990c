/** What there is to know of a data set before it is trained on. */
import type { ChatTokenizer, Row } from "@verlet/core";
import { DataError } from "@verlet/core";
import { answerOf, columnName, detectFormat } from "../columns.js";
import { layoutName } from "../layouts.js";
import { promptText } from "../prepare-prompts.js";
import type { RowSet } from "../read-rows.js";
import { sftParts } from "../sft-parts.js";
import { causeOf, type BrokenRows } from "./broken-rows.js";
import type { Spread } from "./histogram.js";
import { spreadOf } from "./histogram.js";
import { PlainTokenizer } from "./plain-tokenizer.js";
import { findDuplicates, findOverlap, rowKey } from "./row-keys.js";
import type { InspectSection, TrainerFit } from "./trainer-fit.js";
import { rlFit, sftFit, trainerFits } from "./trainer-fit.js";

export interface InspectOptions extends InspectSection {
  /** Without one, texts are measured in characters and chats are written plainly. */
  tokenizer?: ChatTokenizer;
  /** Rows that training must not see. */
  evaluation?: RowSet;
  /** What `readRows` could not read of either. */
  broken?: Pick<BrokenRows, "rows" | "first">;
  /** How many rows to show. */
  samples: number;
}

export interface RowProblem {
  /** `file:row`. */
  where: string;
  /** The column at fault, where it is one. */
  column?: string;
  what: string;
}

export interface Sample {
  where: string;
  /** The text as it is trained on, or, for prompts alone, as it is sampled from. */
  parts: { text: string; trained: boolean }[];
}

export interface InspectReport {
  rows: number;
  columns: { name: string; types: Record<string, number> }[];
  /** `Alpaca`, `ShareGPT`, `GSM8K`. */
  layout?: string;
  /** For each kind of training, how many rows it can take, and what is missing in the first that it cannot. */
  fits: { trainer: string; columns: string; rows: number; missing?: string }[];
  /** Rows with something to compare an answer with. */
  answers: number;
  /** Rows that are no rows, such as a line of broken JSON; they count nowhere else. */
  broken?: Pick<BrokenRows, "rows" | "first">;
  /** What is wrong with single rows: for the kinds of training that can take most of the others. */
  problems: RowProblem[];
  unit: "tokens" | "characters";
  /** Of whole rows as SFT trains on them, and of prompts as RL samples from them. */
  lengths: { of: "row" | "prompt"; spread: Spread }[];
  /** Only with a tokenizer: what the limits, in tokens, would do. */
  limits?: { maxLength: number; truncated: number; dropped: number; maxPromptTokens: number; droppedPrompts: number };
  /** Rows that ask what an earlier one asks. */
  duplicates: { where: string; as: string }[];
  overlap?: { where: string; as: string }[];
  samples: Sample[];
}

export function inspectRows({ rows, where }: RowSet, options: InspectOptions): InspectReport {
  const tokenizer = options.tokenizer ?? new PlainTokenizer();
  const fits = trainerFits.map((fit) => ({ fit, ...checkAll(rows, where, (row, place) => fit.check(row, tokenizer, options, place)) }));
  const taken = fits.filter(({ failures }) => failures.length < rows.length / 2);
  const layout = layoutName(rows[0]!);
  const keys = rows.map((row) => rowKey(row, options.columns));
  const places = (same: { row: number; as: number }[], as: (i: number) => string): { where: string; as: string }[] => same.map((one) => ({ where: where(one.row), as: as(one.as) }));
  const { evaluation } = options;
  const madeBy = (one: TrainerFit): Made[] => fits.find(({ fit }) => fit === one)!.made.filter((made) => made !== undefined);
  return {
    rows: rows.length,
    columns: columnsOf(rows),
    ...(layout !== undefined && { layout }),
    fits: fits.map(({ fit: { trainer, columns }, failures }) => ({ trainer, columns, rows: rows.length - failures.length, ...(failures[0] && { missing: failures[0].what }) })),
    answers: rows.filter((row) => answerOf(row, columnName(options.columns, "answer")) !== undefined).length,
    ...(options.broken && { broken: options.broken }),
    problems: problemsOf(taken.flatMap(({ failures }) => failures)),
    ...measure(madeBy(sftFit), madeBy(rlFit), options),
    duplicates: places(findDuplicates(keys), where),
    ...(evaluation && { overlap: places(findOverlap(keys, evaluation.rows.map((row) => rowKey(row, options.columns))), evaluation.where) }),
    samples: rows.slice(0, options.samples).map((row, i) => sampleOf(row, tokenizer, options, where(i))),
  };
}

interface Failure extends RowProblem {
  index: number;
}

type Made = NonNullable<ReturnType<TrainerFit["check"]>>;

/** What is made of each row, and for the others why nothing is. */
function checkAll<T>(rows: readonly Row[], where: (i: number) => string, check: (row: Row, where: string) => T): { made: T[]; failures: Failure[] } {
  const made: T[] = [];
  const failures: Failure[] = [];
  for (const [index, row] of rows.entries()) {
    try {
      made.push(check(row, where(index)));
    } catch (error) {
      if (!(error instanceof DataError)) throw error;
      const column = /columns? "([^"]+)"/.exec(error.parts.what)?.[1];
      failures.push({ index, where: where(index), ...(column !== undefined && { column }), what: causeOf(error) });
    }
  }
  return { made, failures };
}

/** One entry for each row and cause, in the order of the rows. */
function problemsOf(failures: readonly Failure[]): RowProblem[] {
  const all = new Map(failures.map((failure) => [`${failure.index} ${failure.what}`, failure]));
  return [...all.values()].sort((a, b) => a.index - b.index).map(({ index: _, ...problem }) => problem);
}

function columnsOf(rows: readonly Row[]): InspectReport["columns"] {
  const columns = new Map<string, Record<string, number>>();
  for (const row of rows) {
    for (const [name, value] of Object.entries(row)) {
      const types = columns.get(name) ?? {};
      const type = value === null || value === undefined ? "null" : Array.isArray(value) ? "list" : typeof value === "object" ? "mapping" : typeof value === "string" ? "text" : typeof value;
      types[type] = (types[type] ?? 0) + 1;
      columns.set(name, types);
    }
  }
  return [...columns].map(([name, types]) => {
    const missing = rows.length - Object.values(types).reduce((sum, count) => sum + count, 0);
    return { name, types: missing > 0 ? { ...types, missing } : types };
  });
}

function measure(sequences: readonly Made[], prompts: readonly Made[], { maxLength, maxPromptTokens, tokenizer }: InspectOptions): Pick<InspectReport, "unit" | "lengths" | "limits"> {
  const lengths = [["row", sequences] as const, ["prompt", prompts] as const].flatMap(([of, made]) => (made.length > 0 ? [{ of, spread: spreadOf(made.map(({ ids }) => ids.length)) }] : []));
  if (!tokenizer) return { unit: "characters", lengths };
  const isLeft = ({ mask }: Made): boolean => mask!.slice(1, maxLength).includes(1);
  const left = sequences.filter(isLeft);
  const truncated = left.filter(({ ids }) => ids.length > maxLength).length;
  const droppedPrompts = prompts.filter(({ ids }) => ids.length > maxPromptTokens).length;
  return { unit: "tokens", lengths, limits: { maxLength, truncated, dropped: sequences.length - left.length, maxPromptTokens, droppedPrompts } };
}

/** The row as SFT trains on it, else as RL samples from it, else as it stands. */
function sampleOf(row: Row, tokenizer: ChatTokenizer, options: InspectOptions, where: string): Sample {
  const place = (): string => where;
  const [trained] = checkAll([row], place, () => {
    const { parts, templated } = sftParts(detectFormat(row, options.columns, where), row, tokenizer, options, where);
    const eos = options.tokenizer?.decode([options.tokenizer.eosTokenId]) ?? "";
    return templated || parts.at(-1)!.text.endsWith(eos) ? parts : [...parts, { text: eos, trained: true }];
  }).made;
  if (trained) return { where, parts: joined(trained) };
  const [prompt] = checkAll([row], place, () => promptText(row, tokenizer, options, where).text).made;
  return { where, parts: [{ text: prompt ?? JSON.stringify(row), trained: false }] };
}

/** Neighbours of one kind as one part. */
function joined(parts: Sample["parts"]): Sample["parts"] {
  return parts.reduce<Sample["parts"]>((all, { text, trained }) => {
    const last = all.at(-1);
    if (text === "") return all;
    if (last?.trained !== trained) return [...all, { text, trained }];
    return [...all.slice(0, -1), { text: last.text + text, trained }];
  }, []);
}
