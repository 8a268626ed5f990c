import { scope, tf } from "@verlet/backend";
import type { TokenBatch } from "@verlet/core";
import type { ModelConfig } from "./config.js";
import { ownMask, ownRotary } from "./own-sequence.js";
import { RotaryAngles } from "./rotary-table.js";
import { causalMask, hiddenStates, type ModelWeights, type Pass } from "./transformer.js";

/** Few widths occur in a run; their masks are kept. */
const MASKS_KEPT = 16;

/** Numbers in them, in all: 64 MiB. */
const MASK_NUMBERS = 16 * 2 ** 20;

/** The layers of a model on right-padded batches. Owns its masks, not the weights. */
export class Body {
  readonly angles: RotaryAngles;
  /** Whether passes with gradients keep only each layer's input and run the layer twice. */
  gradientCheckpointing = false;
  readonly #weights: ModelWeights;
  readonly #config: ModelConfig;
  readonly #masks = new Map<number, tf.Tensor4D>();

  constructor(weights: ModelWeights, config: ModelConfig) {
    this.#weights = weights;
    this.#config = config;
    this.angles = new RotaryAngles(config);
  }

  /** Final hidden states of every position, [B·T, H]. */
  hidden({ ids, rows, width, starts }: TokenBatch, pass: Pass): tf.Tensor2D {
    const causal = this.#causal(width);
    const rotary = scope(() => {
      const table = this.angles.table(Int32Array.from({ length: width }, (_, t) => t), 1, width);
      return starts ? ownRotary(starts, table) : table;
    });
    const mask = starts ? scope(() => ownMask(starts, causal)) : causal;
    return hiddenStates(tf.tensor1d(ids, "int32"), this.#weights, this.#config, { rows, width, rotary, mask }, { ...pass, checkpointing: this.gradientCheckpointing });
  }

  dispose(): void {
    tf.dispose([...this.#masks.values()]);
    this.#masks.clear();
  }

  #causal(width: number): tf.Tensor4D {
    const known = this.#masks.get(width);
    if (known) return known;
    const mask = causalMask(width, this.#config.heads / this.#config.kvHeads);
    if (mask.size > MASK_NUMBERS) return mask;
    const numbers = [...this.#masks.values()].reduce((sum, { size }) => sum + size, mask.size);
    if (this.#masks.size >= MASKS_KEPT || numbers > MASK_NUMBERS) this.dispose();
    this.#masks.set(width, tf.keep(mask));
    return mask;
  }
}
