import type { DataLoader, PrepareContext, Prompt, Row } from "@verlet/core";
import { preparePrompts } from "./prepare-prompts.js";
import { describeReport } from "./reports.js";

/** The prompts of a data set, made once; a loader deals out rows and the pool answers with their prompts. */
export class PromptPool {
  #prompts = new Map<Row, Prompt>();

  /** For `Trainer.prepare`: the rows that are left when prompts that are too long are dropped; says what became of them. */
  prepare(rows: readonly Row[], { config, tokenizer, where, log }: PrepareContext): readonly Row[] {
    const { prompts, report } = preparePrompts(rows, tokenizer, config.data, where);
    log(`data: ${describeReport(report)}`);
    this.#prompts = new Map(prompts.map((prompt) => [prompt.row, prompt]));
    return [...this.#prompts.keys()];
  }

  /** For `Trainer.lengthOf`: tokens of the row's prompt. */
  lengthOf(row: Row): number {
    return this.#prompts.get(row)!.ids.length;
  }

  take(loader: DataLoader<Row>, count: number): Prompt[] {
    return loader.next(count).map((row) => this.#prompts.get(row)!);
  }
}
