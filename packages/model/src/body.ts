import { scope, tf } from "@verlet/backend";
import type { TokenBatch } from "@verlet/core";
import type { ModelConfig } from "./config.js";
import { RotaryAngles } from "./rotary-table.js";
import { causalMask, hiddenStates, type ModelWeights, type Pass } from "./transformer.js";

/** Few widths occur in a run; their masks are kept. */
const MASKS_KEPT = 16;

/** The layers of a model on right-padded batches. Owns its masks, not the weights. */
export class Body {
  readonly angles: RotaryAngles;
  readonly #weights: ModelWeights;
  readonly #config: ModelConfig;
  readonly #masks = new Map<number, tf.Tensor4D>();

  constructor(weights: ModelWeights, config: ModelConfig) {
    this.#weights = weights;
    this.#config = config;
    this.angles = new RotaryAngles(config);
  }

  /** Final hidden states of every position, [B·T, H]. */
  hidden({ ids, rows, width }: TokenBatch, pass: Pass): tf.Tensor2D {
    const rotary = scope(() => this.angles.table(Int32Array.from({ length: width }, (_, t) => t), 1, width));
    return hiddenStates(tf.tensor1d(ids, "int32"), this.#weights, this.#config, { rows, width, rotary, mask: this.#causal(width) }, pass);
  }

  dispose(): void {
    tf.dispose([...this.#masks.values()]);
    this.#masks.clear();
  }

  #causal(width: number): tf.Tensor4D {
    let mask = this.#masks.get(width);
    if (!mask) {
      if (this.#masks.size >= MASKS_KEPT) this.dispose();
      mask = tf.keep(causalMask(width, this.#config.heads / this.#config.kvHeads));
      this.#masks.set(width, mask);
    }
    return mask;
  }
}
