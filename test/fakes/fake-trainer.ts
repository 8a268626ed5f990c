import { tf } from "@verlet/backend";
import { registerTrainer, z, type Json, type Metrics, type Row, type Run, type StepMetrics, type Trainer } from "@verlet/core";
import { collate } from "@verlet/data";

const options = z.strictObject({
  /** The step whose loss is NaN; 0 = none. */
  nanAt: z.int().default(0),
  /** The step that throws; 0 = none. */
  throwAt: z.int().default(0),
});

/** What a test wants to happen inside a step, such as an interrupt. */
export const hooks: { beforeStep?: (run: Run) => void | Promise<void>; log: string[] } = { log: [] };

/**
 * Language modelling of the rows' `text`, each batch used twice and every row weighted by a random number, so that
 * there is state of every sort to carry over a stop: weights, moments, a kept batch, the data position, random streams.
 */
@registerTrainer("fake", { options })
export class FakeTrainer implements Trainer {
  readonly #options: z.output<typeof options>;
  #run!: Run;
  #batch: { texts: string[]; left: number } = { texts: [], left: 0 };

  constructor(given: z.output<typeof options>) {
    this.#options = given;
  }

  async setup(run: Run): Promise<void> {
    this.#run = run;
  }

  async step(): Promise<StepMetrics> {
    const { step, train, config, tokenizer, policy, optimizer } = this.#run;
    await hooks.beforeStep?.(this.#run);
    if (this.#batch.left === 0) {
      this.#batch = { texts: train.next(config.trainer.batchSize).map(({ text }) => String(text)), left: 2 };
    }
    this.#batch.left -= 1;
    if (step === this.#options.throwAt) throw new Error(`the fake trainer fails at step ${step}`);
    const weight = 0.5 + this.#run.rng("weights").uniform();
    const [parameter] = policy.trainable;
    const { value, grads } = tf.variableGrads(() => tf.mul<tf.Scalar>(this.#loss(this.#batch.texts), weight), [parameter!.variable]);
    const loss = value.dataSync()[0]!;
    const gradients = Object.values(grads);
    const measured = optimizer.step(gradients);
    tf.dispose([value, ...gradients]);
    const text = this.#batch.texts[0]!;
    const prompt = { ids: tokenizer.encode(text), text, row: { text } };
    const sampling = { ...config.rollout, maxNewTokens: 4, stopTokenIds: [] };
    const [sample] = await policy.generate([prompt.ids], sampling, this.#run.rng("rollout"));
    const { ids, logProbs } = sample!;
    const rollout = { prompt, group: 0, completionIds: ids, completion: tokenizer.decode(ids), logProbs, finished: false };
    return {
      metrics: { loss: step === this.#options.nanAt ? NaN : loss, ...measured },
      rollouts: [{ ...rollout, score: 1, rewards: { fake: 1 }, advantage: 0 }],
    };
  }

  #loss(texts: readonly string[]): tf.Scalar {
    return tf.tidy(() => {
      const tokens = collate(texts.map((text) => this.#run.tokenizer.encode(text)), 0);
      const predicted = (row: number): number[] => Array.from({ length: tokens.lengths[row]! - 1 }, (_, t) => row * tokens.width + t + 1);
      const positions = Int32Array.from(texts.flatMap((_, row) => predicted(row)));
      return tf.neg<tf.Scalar>(tf.mean(this.#run.policy.logProbs(tokens, { positions }, { temperature: 1 }).logProbs));
    });
  }

  async evaluate(rows: readonly Row[]): Promise<Metrics> {
    const loss = this.#loss(rows.map(({ text }) => String(text)));
    const metrics = { loss: loss.dataSync()[0]! };
    loss.dispose();
    return metrics;
  }

  state(): Json {
    return this.#batch;
  }

  restore(state: Json): void {
    this.#batch = structuredClone(state) as unknown as { texts: string[]; left: number };
  }
}
