import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { tf } from "@verlet/backend";
import type { Critic, Parameter, TargetSelection, TokenBatch } from "@verlet/core";
import { decodeFloats, readSafetensors, writeSafetensors } from "@verlet/model";
import { ByteTokenizer } from "./byte-tokenizer.js";

const V = ByteTokenizer.vocabulary;
const FILE = "model.safetensors";

/** A table: one value for each byte that a state may end with. Learns what usually follows a byte. */
export class FakeCritic implements Critic {
  readonly #table = tf.tidy(() => tf.variable(tf.zeros([V])));
  readonly trainable: readonly Parameter[] = [{ name: "table", variable: this.#table }];

  values({ ids }: TokenBatch, { positions }: TargetSelection): tf.Tensor1D {
    return tf.gather(this.#table, tf.tensor1d(Array.from(positions, (p) => ids[p - 1]!), "int32")) as tf.Tensor1D; // [N]
  }

  async save(folder: string): Promise<void> {
    await mkdir(folder, { recursive: true });
    await writeSafetensors(join(folder, FILE), { table: { dtype: "F32", shape: [V], data: this.#table.dataSync<"float32">() } });
  }

  async restore(folder: string): Promise<void> {
    const entry = (await readSafetensors(join(folder, FILE))).get("table")!;
    tf.tidy(() => this.#table.assign(tf.tensor1d(decodeFloats(entry.data, entry.dtype))));
  }

  dispose(): void {
    this.#table.dispose();
  }
}
