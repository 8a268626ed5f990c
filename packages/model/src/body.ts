import { scope, tf } from "@verlet/backend";
import type { TokenBatch } from "@verlet/core";
import type { ModelConfig } from "./config.js";
import { ownRotary } from "./own-sequence.js";
import { RotaryAngles } from "./rotary-table.js";
import { hiddenStates, type ModelWeights, type Pass } from "./transformer.js";

/** The layers of a model on right-padded batches. */
export class Body {
  readonly angles: RotaryAngles;
  /** Whether passes with gradients keep only each layer's input and run the layer twice. */
  gradientCheckpointing = false;
  readonly #weights: ModelWeights;
  readonly #config: ModelConfig;

  constructor(weights: ModelWeights, config: ModelConfig) {
    this.#weights = weights;
    this.#config = config;
    this.angles = new RotaryAngles(config);
  }

  /** Final hidden states of every position, [B·T, H]. */
  hidden({ ids, rows, width, starts }: TokenBatch, pass: Pass): tf.Tensor2D {
    const rotary = scope(() => {
      const table = this.angles.table(Int32Array.from({ length: width }, (_, t) => t), 1, width);
      return starts ? ownRotary(starts, table) : table;
    });
    const positions = { rows, width, rotary, ...(starts && { sequences: tf.tensor2d(Float32Array.from(starts), [rows, width]) }) };
    return hiddenStates(tf.tensor1d(ids, "int32"), this.#weights, this.#config, positions, { ...pass, checkpointing: this.gradientCheckpointing });
  }
}
