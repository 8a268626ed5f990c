/** Which kind of training a row's columns are for. */
import type { ChatTokenizer, DataSection, Message, Row } from "@verlet/core";
import { DataError } from "@verlet/core";
import { columnName, columnOf, detectFormat, findColumn, listColumns } from "../columns.js";
import { parseTextOrMessages } from "../messages.js";
import { promptText } from "../prepare-prompts.js";
import { tokenizeSftRow } from "../prepare-sft.js";
import { checkTrainOn } from "../sft-parts.js";
import { requireAssistant, requireKnownRoles, requireText } from "./check-texts.js";

export type InspectSection = Pick<DataSection, "columns" | "chatTemplate" | "trainOn" | "maxLength" | "maxPromptTokens">;

export interface TrainerFit {
  trainer: string;
  /** What rows must have for it. */
  columns: string;
  /**
   * The row's tokens where this trainer makes some of it, before any limit: `mask` says which are trained.
   * @throws DataError for a row that is not for this trainer, with the column at fault.
   */
  check(row: Row, tokenizer: ChatTokenizer, section: InspectSection, where: string): { ids: number[]; mask?: number[] } | undefined;
}

export const sftFit: TrainerFit = {
  trainer: "SFT",
  columns: "prompt + completion, messages, text, or Alpaca, ShareGPT, GSM8K",
  check(row, tokenizer, section, where) {
    const format = detectFormat(row, section.columns, where);
    checkTrainOn(format, section.trainOn, where);
    const { ids, mask } = tokenizeSftRow(format, row, tokenizer, section, where);
    requireKnownRoles(row, section.columns, where);
    if (format === "messages") requireAssistant(row, section.columns, where);
    const trained = tokenizer.decode(ids.filter((id, i) => mask[i] === 1 && !tokenizer.stopTokenIds.includes(id)));
    if (trained.trim() !== "") return { ids, mask };
    throw new DataError({ where, what: `column "${columnName(section.columns, format === "prompt-completion" ? "completion" : format)}" is empty`, got: "nothing to train on" });
  },
};

export const rlFit: TrainerFit = {
  trainer: "RL (GRPO, DAPO, PPO)",
  columns: "prompt, and what the rewards compare with (answer)",
  check(row, tokenizer, section, where) {
    const { text, templated } = promptText(row, tokenizer, section, where);
    const ids = tokenizer.encode(text, { addSpecialTokens: !templated });
    requireKnownRoles(row, section.columns, where);
    if (text.trim() !== "") return { ids };
    throw new DataError({ where, what: `column "${columnName(section.columns, "prompt")}" is empty`, got: "a prompt without text" });
  },
};

/** Preference pairs: `chosen` and `rejected`, with the prompt beside them or, in chats, as what they have in common. */
const pairs = (trainer: string): TrainerFit => ({
  trainer,
  columns: "chosen + rejected, and prompt unless they are whole chats",
  check(row, _, section, where) {
    const [chosen, rejected] = ["chosen", "rejected"].map((name) => requireText(textOrMessages(row, name, where), name, where));
    requireKnownRoles(row, section.columns, where);
    if (JSON.stringify(chosen) === JSON.stringify(rejected)) throw new DataError({ where, what: 'columns "chosen" and "rejected" are the same', expected: "two answers" });
    if (findColumn(row, columnName(section.columns, "prompt"))) parseTextOrMessages(columnOf(row, section.columns, "prompt", where), columnName(section.columns, "prompt"), where);
    return undefined;
  },
});

const kto: TrainerFit = {
  trainer: "KTO",
  columns: "prompt + completion + label (true or false)",
  check(row, _, { columns }, where) {
    for (const role of ["prompt", "completion"] as const) parseTextOrMessages(columnOf(row, columns, role, where), columnName(columns, role), where);
    const label = requireColumn(row, "label", where);
    if (typeof label !== "boolean") throw new DataError({ where, what: 'column "label" is neither true nor false', got: JSON.stringify(label) });
    return undefined;
  },
};

export const trainerFits: readonly TrainerFit[] = [sftFit, rlFit, pairs("DPO"), kto, pairs("reward model")];

function textOrMessages(row: Row, name: string, where: string): string | Message[] {
  return parseTextOrMessages(requireColumn(row, name, where), name, where);
}

function requireColumn(row: Row, name: string, where: string): unknown {
  const found = findColumn(row, name);
  if (found) return found.value;
  throw new DataError({ where, what: `no column "${name}"`, got: listColumns(row) });
}
