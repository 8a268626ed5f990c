import type { Json, LossSection, Metrics, PolicyBatch, StepMetrics } from "@verlet/core";
import { decodeBatch, encodeBatch, type EncodedBatch } from "./batch-state.js";
import { partOfBatch, type BatchPart } from "./batch-part.js";
import type { TrainingBatch } from "./training-batch.js";

/**
 * Several updates on each sampled batch: `loss.iterations` passes over `loss.miniBatches` parts. The batch is part of the
 * trainer's state, so that a run resumed between two updates goes on with the same batch.
 */
export class BatchReplay {
  readonly #parts: number;
  readonly #updatesPerBatch: number;
  #batch: PolicyBatch | undefined;
  #fresh: Omit<TrainingBatch, "policy"> | undefined;
  #updates = 0;

  constructor({ iterations, miniBatches }: Pick<LossSection, "iterations" | "miniBatches">) {
    this.#parts = miniBatches;
    this.#updatesPerBatch = iterations * miniBatches;
  }

  /** The part of the batch that is next to be updated on; of a new batch once that has had its updates. */
  async next(sample: () => Promise<TrainingBatch>): Promise<PolicyBatch> {
    if (!this.#batch) {
      const { policy, ...fresh } = await sample();
      this.#batch = policy;
      this.#fresh = fresh;
    }
    return partOfBatch(this.#batch, this.#part());
  }

  /**
   * Counts an update.
   * @param logProbs [B, C] of the part, the policy's before it: after its first update on a batch they are the old log-probs;
   *   undefined where the policy was not updated
   * @returns the step's metrics; those of sampling, and the rollouts, only with a batch's first update
   */
  updated(logProbs: Float32Array | undefined, metrics: Metrics): StepMetrics {
    const fresh = this.#fresh;
    this.#fresh = undefined;
    if (this.#parts === 1 && logProbs) this.#batch!.oldLogProbs ??= logProbs; // for several parts `prepareBatch` has computed them
    this.#updates += 1;
    if (this.#updates >= this.#updatesPerBatch) {
      this.#batch = undefined;
      this.#updates = 0;
    }
    return { metrics: { ...fresh?.metrics, ...metrics }, ...(fresh && { rollouts: fresh.rollouts }) };
  }

  state(): Json {
    return { updates: this.#updates, batch: this.#batch ? encodeBatch(this.#batch) : null };
  }

  restore(state: Json): void {
    const saved = state as { updates: number; batch: EncodedBatch | null };
    this.#updates = saved.updates;
    this.#batch = saved.batch ? decodeBatch(saved.batch) : undefined;
    this.#fresh = undefined;
  }

  #part(): BatchPart {
    return { index: this.#updates % this.#parts, count: this.#parts };
  }
}
