/**
 * Supervised fine-tuning: minimise −log p of the trained tokens, averaged over all trained tokens of the optimizer step
 * (TRL's `num_items_in_batch`), however the step is cut into micro-batches.
 */
import { tf } from "@verlet/backend";
import { registerTrainer, Rng, type Metrics, type PrepareContext, type Row, type Run, type StepMetrics, type Trainer } from "@verlet/core";
import { describePacking, describeReport, packExamples, placeOf, prepareSft, type SftExample } from "@verlet/data";
import { sftEvaluation, sftGradients, type SftOptions } from "./sft-batch.js";

@registerTrainer("sft", {
  doc: "supervised fine-tuning on messages, prompt/completion or text rows",
  reads: ["packing", "groupByLength"],
  defaults: { optimizer: { learningRate: 2e-5 } },
})
export class SftTrainer implements Trainer {
  #run!: Run;
  /** What each row that is drawn stands for: its own example, or under packing all that are packed with it. */
  #examples = new Map<Row, SftExample>();

  prepare(rows: readonly Row[], { config, tokenizer, where, log }: PrepareContext): readonly Row[] {
    const { examples, report } = prepareSft(rows, tokenizer, config.data, where);
    log(`data: ${describeReport(report)}`);
    const sequences = config.data.packing ? packed(examples, config, log) : examples;
    this.#examples = new Map(sequences.map((sequence) => [sequence.row, sequence]));
    return [...this.#examples.keys()];
  }

  lengthOf(row: Row): number {
    return this.#examples.get(row)!.ids.length;
  }

  async setup(run: Run): Promise<void> {
    this.#run = run;
  }

  async step(): Promise<StepMetrics> {
    const { policy, optimizer, config, train } = this.#run;
    const examples = train.next(config.trainer.batchSize).map((row) => this.#examples.get(row)!);
    const { gradients, metrics } = sftGradients(policy, examples, { ...this.#options(), dropout: this.#run.rng("dropout") });
    const update = optimizer.step(gradients);
    tf.dispose(gradients);
    return { metrics: { ...metrics, ...update } };
  }

  /** On single examples, however training packs them: the numbers are the same. */
  async evaluate(rows: readonly Row[]): Promise<Metrics> {
    const { policy, tokenizer, config } = this.#run;
    const { examples } = prepareSft(rows, tokenizer, config.data, (i) => placeOf(rows[i]!) ?? `evaluation row ${i + 1}`);
    return sftEvaluation(policy, examples, { ...this.#options(), microBatchSize: config.trainer.microBatchSize || config.trainer.batchSize });
  }

  /** All that changes from step to step is the manager's: weights, optimizer, data position, random streams. */
  state(): null {
    return null;
  }

  restore(): void {}

  #options(): SftOptions {
    return { padId: this.#run.tokenizer.padTokenId, microBatchSize: this.#run.config.trainer.microBatchSize };
  }
}

function packed(examples: readonly SftExample[], { data: { maxLength, shuffle }, trainer: { seed } }: PrepareContext["config"], log: PrepareContext["log"]): SftExample[] {
  const rows = packExamples(examples, maxLength, shuffle ? new Rng(seed).fork("packing") : undefined);
  log(`data: ${describePacking(rows, maxLength)}`);
  return rows;
}
