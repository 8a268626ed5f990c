/**
 * The fast matrix product first packs its right operand and keeps the packed copy under that operand's tensor id for
 * as long as the tensor lives. That pays for a weight and wastes memory for everything else, and it takes no notice of
 * the tensor's shape. So products run under ids of our own: one-off operands give theirs back at once, and from its
 * second use on an operand (a weight) keeps its packed, and if need be transposed, copy until it is disposed.
 */
import type { tf } from "../tf.js";
import { swapLastAxes, type DataId, type WasmBackend } from "./wasm-backend.js";

/** A right operand ready to be multiplied by: a registered id of K×N numbers. */
export interface RightOperand {
  readonly id: number;
  /** To be called after the product. */
  release(): void;
}

interface Use {
  readonly inner: number;
  readonly outer: number;
  readonly transposed: boolean;
  kept?: { id: number; transposedData?: DataId };
}

export class RightOperands {
  readonly #backend: WasmBackend;
  readonly #uses = new WeakMap<DataId, Use[]>();

  /** Also has the backend free what is kept for a tensor together with the tensor. */
  constructor(backend: WasmBackend) {
    this.#backend = backend;
    const dispose = backend.disposeData.bind(backend);
    backend.disposeData = (dataId, force) => {
      const freed = dispose(dataId, force);
      if (freed) this.#forget(dataId, dispose);
      return freed;
    };
  }

  /** @param b one matrix: K×N, or N×K with `transposed` */
  take(b: tf.TensorInfo, transposed: boolean, inner: number, outer: number): RightOperand {
    const uses = this.#usesOf(b.dataId);
    const seen = uses.find((use) => use.transposed === transposed && use.inner === inner && use.outer === outer);
    if (seen?.kept) return { id: seen.kept.id, release: () => undefined };
    const source = transposed ? swapLastAxes(this.#backend, { ...b, shape: [outer, inner] }) : b;
    const id = this.view(this.#backend.dataIdMap.get(source.dataId).memoryOffset, inner * outer);
    if (seen) {
      seen.kept = transposed ? { id, transposedData: source.dataId } : { id };
      return { id, release: () => undefined };
    }
    uses.push({ inner, outer, transposed });
    return {
      id,
      release: () => {
        this.drop(id);
        if (transposed) this.#backend.disposeData(source.dataId);
      },
    };
  }

  /** Registers `size` numbers at a byte address as a tensor without an owner. */
  view(offset: number, size: number): number {
    const id = this.#backend.dataIdNextNumber++;
    this.#backend.wasm.tfjs.registerTensor(id, size, offset);
    return id;
  }

  /** Takes a view back, and the packed copy made under it. The numbers stay. */
  drop(id: number): void {
    this.#backend.wasm.tfjs.disposeData(id);
  }

  #usesOf(dataId: DataId): Use[] {
    const known = this.#uses.get(dataId);
    if (known) return known;
    const uses: Use[] = [];
    this.#uses.set(dataId, uses);
    return uses;
  }

  #forget(dataId: DataId, dispose: (dataId: DataId) => boolean): void {
    for (const { kept } of this.#uses.get(dataId) ?? []) {
      if (!kept) continue;
      this.drop(kept.id);
      if (kept.transposedData) dispose(kept.transposedData);
    }
    this.#uses.delete(dataId);
  }
}
