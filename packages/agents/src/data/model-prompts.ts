/** Prompts as one model is asked them: with its chat template around them, where it has one. */
import type { ChatTokenizer, Columns, Row } from "@verlet/core";
import { columnName, placeOf, promptText, setPlace } from "@verlet/data";
import { huggingFaceFolder, type ModelSource } from "@verlet/manager";
import { modelKeys, requireModelFolder } from "../train/model-section.js";
import { chooseTemplate, withoutOpening } from "./choose-template.js";

/** The tokenizer that a run of this model has. @throws ModelError where there is no such model. */
export async function tokenizerOf(modelName: string, models: ModelSource = huggingFaceFolder): Promise<ChatTokenizer> {
  if (models === huggingFaceFolder) requireModelFolder(modelName);
  const model = await modelKeys(modelName);
  return models.loadTokenizer({ init: "pretrained", ...model } as Parameters<ModelSource["loadTokenizer"]>[0]);
}

/** The rows' prompts with everything that the model sees of them. */
export function seenPrompts(rows: readonly Row[], tokenizer: ChatTokenizer, columns: Columns): string[] {
  const chatTemplate = chooseTemplate(tokenizer, rows, columns, undefined);
  return rows.map((row, i) => promptText(row, tokenizer, { columns, chatTemplate }, placeOf(row) ?? `row ${i + 1}`).text);
}

/** The rows with such prompts in place of theirs; trained as plain text they become the same tokens. */
export function withSeenPrompts(rows: readonly Row[], tokenizer: ChatTokenizer, columns: Columns): Row[] {
  const texts = seenPrompts(rows, tokenizer, columns);
  return rows.map((row, i) => {
    const seen = { ...row, [columnName(columns, "prompt")]: withoutOpening(tokenizer, texts[i]!) };
    const place = placeOf(row);
    if (place !== undefined) setPlace(seen, place);
    return seen;
  });
}
