/**
 * Supervised fine-tuning: minimise −log p of the trained tokens, averaged over all trained tokens of the optimizer step
 * (TRL's `num_items_in_batch`), however the step is cut into micro-batches.
 */
import { tf } from "@verlet/backend";
import { registerTrainer, type Metrics, type PrepareContext, type Row, type Run, type StepMetrics, type Trainer } from "@verlet/core";
import { describeReport, placeOf, prepareSft, type SftExample } from "@verlet/data";
import { sftEvaluation, sftGradients, type SftOptions } from "./sft-batch.js";

@registerTrainer("sft", {
  doc: "supervised fine-tuning on messages, prompt/completion or text rows",
  defaults: { optimizer: { learningRate: 2e-5 } },
})
export class SftTrainer implements Trainer {
  #run!: Run;
  #examples = new Map<Row, SftExample>();

  prepare(rows: readonly Row[], { config, tokenizer, where, log }: PrepareContext): readonly Row[] {
    const { examples, report } = prepareSft(rows, tokenizer, config.data, where);
    log(`data: ${describeReport(report)}`);
    this.#examples = new Map(examples.map((example) => [example.row, example]));
    return [...this.#examples.keys()];
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
