import type { Json, Metrics, PolicyBatch, StepMetrics } from "@verlet/core";
import type { TrainingBatch } from "./training-batch.js";

/**
 * Several updates on each sampled batch (`loss.iterations`). The batch is part of the trainer's state, so that a run
 * resumed between two updates goes on with the same batch.
 */
export class BatchReplay {
  readonly #iterations: number;
  #batch: PolicyBatch | undefined;
  #fresh: Omit<TrainingBatch, "policy"> | undefined;
  #updates = 0;

  constructor(iterations: number) {
    this.#iterations = iterations;
  }

  /** The batch under update, or a new one once that has had its updates. */
  async next(sample: () => Promise<TrainingBatch>): Promise<PolicyBatch> {
    if (!this.#batch) {
      const { policy, ...fresh } = await sample();
      this.#batch = policy;
      this.#fresh = fresh;
    }
    return this.#batch;
  }

  /**
   * Counts an update.
   * @param logProbs [B, C], the policy's before it: after the first update they are the batch's old log-probs
   * @returns the step's metrics; those of sampling, and the rollouts, only with a batch's first update
   */
  updated(logProbs: Float32Array, metrics: Metrics): StepMetrics {
    const fresh = this.#fresh;
    this.#fresh = undefined;
    this.#batch!.oldLogProbs ??= logProbs;
    this.#updates += 1;
    if (this.#updates >= this.#iterations) {
      this.#batch = undefined;
      this.#updates = 0;
    }
    return { metrics: { ...fresh?.metrics, ...metrics }, ...(fresh && { rollouts: fresh.rollouts }) };
  }

  state(): Json {
    return { updates: this.#updates, batch: this.#batch ? encode(this.#batch) : null };
  }

  restore(state: Json): void {
    const saved = state as { updates: number; batch: Encoded | null };
    this.#updates = saved.updates;
    this.#batch = saved.batch ? decode(saved.batch) : undefined;
    this.#fresh = undefined;
  }
}

type Encoded = { [key: string]: Json };
type HostArray = Float32Array | Int32Array;

const floats = ["mask", "sampledLogProbs", "oldLogProbs", "refLogProbs", "advantages"] as const;

const toBase64 = ({ buffer, byteOffset, byteLength }: HostArray): string => Buffer.from(buffer, byteOffset, byteLength).toString("base64");

function fromBase64(text: string): ArrayBuffer {
  const bytes = Buffer.from(text, "base64");
  return bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength) as ArrayBuffer;
}

/** A batch as JSON, bit for bit. */
function encode(batch: PolicyBatch): Encoded {
  const { tokens, completionWidth, promptLengths } = batch;
  return {
    completionWidth,
    rows: tokens.rows,
    width: tokens.width,
    ids: toBase64(tokens.ids),
    lengths: toBase64(tokens.lengths),
    promptLengths: toBase64(promptLengths),
    ...Object.fromEntries(floats.flatMap((key) => (batch[key] ? [[key, toBase64(batch[key])]] : []))),
  };
}

function decode(saved: Encoded): PolicyBatch {
  const ints = (key: string): Int32Array => new Int32Array(fromBase64(saved[key] as string));
  const arrays = Object.fromEntries(floats.flatMap((key) => (key in saved ? [[key, new Float32Array(fromBase64(saved[key] as string))]] : [])));
  return {
    tokens: { ids: ints("ids"), lengths: ints("lengths"), rows: saved["rows"] as number, width: saved["width"] as number },
    completionWidth: saved["completionWidth"] as number,
    promptLengths: ints("promptLengths"),
    ...(arrays as Pick<PolicyBatch, (typeof floats)[number]>),
  };
}
