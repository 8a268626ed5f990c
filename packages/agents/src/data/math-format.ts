/** The one form that questions and worked answers get for SFT, RL and evaluation. */
import { ConfigError, DataError, type Row } from "@verlet/core";
import { placeOf, setPlace } from "@verlet/data";

export const formatTypes = ["sft", "rl"] as const;
export type FormatType = (typeof formatTypes)[number];

/**
 * The documents' prompt for SFT, for both kinds of rows: theirs for RL lacks the last line break, and what a model has
 * learnt to answer is then not what it is asked.
 */
export const MATH_PROMPT = "Question: {question}\n\nLet's solve this step by step:\n";

export interface SftRow extends Row {
  readonly prompt: string;
  readonly completion: string;
  /** Prompt and completion in one. */
  readonly text: string;
}

export interface RlRow extends Row {
  readonly prompt: string;
  readonly ground_truth: string;
  readonly question: string;
  readonly full_answer: string;
}

/** A row of GSM8K's layout: a question and its answer, the reasoning before `####` where there is one. */
export function isMathRow(row: Row | undefined): boolean {
  const { question, answer, prompt, messages } = row ?? {};
  return typeof question === "string" && (typeof answer === "string" || typeof answer === "number") && prompt === undefined && messages === undefined;
}

/** @throws ConfigError for a prompt without a place for the question. */
export function mathPrompt(question: string, template = MATH_PROMPT): string {
  if (!template.includes("{question}")) {
    throw new ConfigError({ where: "promptTemplate", what: "there is no place for the question", got: JSON.stringify(template), expected: 'text with {question}, such as "Question: {question}"' });
  }
  return template.replaceAll("{question}", () => question);
}

/** @throws DataError for a row that is no question with its answer. */
export function formatMathRow(row: Row, format: "sft", template?: string): SftRow;
export function formatMathRow(row: Row, format: "rl", template?: string): RlRow;
export function formatMathRow(row: Row, format: FormatType, template?: string): SftRow | RlRow;
export function formatMathRow(row: Row, format: FormatType, template?: string): SftRow | RlRow {
  if (!isMathRow(row)) {
    throw new DataError({ where: placeOf(row) ?? "formatMathDataset", what: "this is no question with its answer", got: `columns ${Object.keys(row).join(", ") || "none"}`, expected: 'columns "question" and "answer"' });
  }
  const question = row.question as string;
  const answer = String(row.answer);
  const { reasoning, result } = splitAnswer(answer);
  const prompt = mathPrompt(question, template);
  const kept = row.data_source === undefined ? {} : { data_source: row.data_source };
  const completion = `${reasoning === "" ? "" : `${reasoning}\n\n`}Final Answer: ${result}`;
  const formatted = format === "sft" ? { prompt, completion, text: prompt + completion, ...kept } : { prompt, ground_truth: result, question, full_answer: answer, ...kept };
  const place = placeOf(row);
  if (place !== undefined) setPlace(formatted, place);
  return formatted;
}

/** Of several `####` the last one counts; without one the whole answer is the result. */
function splitAnswer(answer: string): { reasoning: string; result: string } {
  const at = answer.lastIndexOf("####");
  if (at < 0) return { reasoning: "", result: answer.trim() };
  return { reasoning: answer.slice(0, at).trim(), result: answer.slice(at + 4).trim() };
}
