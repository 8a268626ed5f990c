import { gatherRows, tf, tokenLogProbs } from "@verlet/backend";
import { Rng, type LogProbOptions, type LogProbResult, type Parameter, type Policy, type PolicyBatch, type ScoredRollout, type TargetSelection, type TokenBatch } from "@verlet/core";
import { packRollouts } from "@verlet/rl";

const [V, H] = [13, 4];

/** The least model whose every row has its own gradient: a token's distribution depends on the token before it. */
export class BigramPolicy implements Pick<Policy, "trainable" | "logProbs" | "dispose"> {
  readonly #embedding: tf.Variable<tf.Rank.R2>;
  readonly #head: tf.Variable<tf.Rank.R2>;

  constructor(seed = 1) {
    const rng = new Rng(seed);
    const drawn = (): tf.Variable<tf.Rank.R2> => tf.tidy(() => tf.variable(tf.tensor2d(Float32Array.from({ length: V * H }, () => rng.normal()), [V, H])));
    this.#embedding = drawn();
    this.#head = drawn();
  }

  get trainable(): readonly Parameter[] {
    return [{ name: "embedding", variable: this.#embedding }, { name: "head", variable: this.#head }];
  }

  logProbs({ ids }: TokenBatch, { positions }: TargetSelection, { temperature, entropy = false, mostLikely = false }: LogProbOptions): LogProbResult {
    const before = tf.tensor1d(positions.map((p) => ids[p - 1]!), "int32");
    const targets = tf.tensor1d(positions.map((p) => ids[p]!), "int32");
    return tokenLogProbs(gatherRows(this.#embedding as tf.Tensor2D, before), this.#head as tf.Tensor2D, targets, { temperature, entropy, mostLikely });
  }

  dispose(): void {
    tf.dispose([this.#embedding, this.#head]);
  }
}

export const bigramPolicy = (seed?: number): Policy => new BigramPolicy(seed) as unknown as Policy;

/** Rows of different lengths, of which the fourth is masked out as a whole; with old and reference log-probs near those given. */
export function bigramBatch(logProbsOf: (batch: PolicyBatch) => Float32Array): PolicyBatch {
  const rng = new Rng(5);
  const rollouts: ScoredRollout[] = [3, 5, 1, 2, 6, 4].map((length, i) => ({
    prompt: { ids: Array.from({ length: 1 + (i % 3) }, () => rng.below(V)), text: "", row: {} },
    group: Math.floor(i / 2),
    completionIds: Array.from({ length }, () => rng.below(V)),
    completion: "",
    logProbs: new Float32Array(length),
    finished: true,
    score: i === 3 ? null : 1,
    rewards: {},
  }));
  const packed = packRollouts(rollouts, 0, false);
  const batch: PolicyBatch = { ...packed, advantages: packed.mask.map((m) => 2 * m * rng.normal()) };
  const own = logProbsOf(batch);
  const near = (spread: number): Float32Array => own.map((logProb, i) => packed.mask[i]! * (logProb + spread * rng.normal()));
  return { ...batch, sampledLogProbs: own, oldLogProbs: near(0.2), refLogProbs: near(0.4) };
}
