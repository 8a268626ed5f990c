import { createComponent, type ChatTokenizer, type DependencyContainer, type Row, type Trainer } from "@verlet/core";
import type { ResolvedConfig } from "@verlet/config";
import { readRows, type SourcedRows } from "@verlet/data";

/** A trainer that has seen its rows, before there is a model. */
export interface PreparedTraining {
  readonly trainer: Trainer;
  readonly data: SourcedRows;
  /** The rows that it trains on. */
  readonly kept: readonly Row[];
  /** Tokens of the longest of them, where the trainer can tell. */
  readonly longest: number | undefined;
}

export async function prepareTraining(container: DependencyContainer, tokenizer: ChatTokenizer, config: ResolvedConfig, log: (line: string) => void): Promise<PreparedTraining> {
  const { algorithm, data: section } = config;
  const trainer = createComponent("trainer", algorithm.name, algorithm.options, container);
  const data = await readRows(section.train, { ...rowLimit(section.maxSamples), columns: section.columns, defaultSplit: "train", log });
  const { rows, where } = data;
  const kept = trainer.prepare?.(rows, { config, tokenizer, where, log }) ?? rows;
  return { trainer, data, kept, longest: trainer.lengthOf && kept.reduce((longest, row) => Math.max(longest, trainer.lengthOf!(row)), 0) };
}

export function rowLimit(maxSamples: number | undefined): { maxSamples?: number } {
  return maxSamples === undefined ? {} : { maxSamples };
}
