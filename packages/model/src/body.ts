import { scope, tf } from "@verlet/backend";
import type { ModelConfig } from "./config.js";
import { rotaryAt, type Layout } from "./layout.js";
import { RotaryAngles } from "./rotary-table.js";
import { hiddenStates, type ModelWeights, type Pass } from "./transformer.js";

/** The layers of a model. */
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
  hidden({ ids, rows, width, positions, sequences }: Layout, pass: Pass): tf.Tensor2D {
    const rotary = scope(() => {
      const count = positions ? positions.reduce((most, position) => Math.max(most, position), 0) + 1 : width;
      const table = this.angles.table(Int32Array.from({ length: count }, (_, t) => t), 1, count);
      return positions ? rotaryAt(positions, table, width) : table;
    });
    const placed = { rows, width, rotary, ...(sequences && { sequences: tf.tensor2d(sequences, [rows, width]) }) };
    return hiddenStates(tf.tensor1d(ids, "int32"), this.#weights, this.#config, placed, { ...pass, checkpointing: this.gradientCheckpointing });
  }
}
