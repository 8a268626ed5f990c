import { resultShapes, type Shape } from "./result-shapes.js";
import type { Op } from "./events.js";

const INT32 = 3; // TF_INT32

/** Longer lists hold data: no shape has so many axes. */
const LONGEST_SHAPE = 16;

/** What a session knows of the tensors that pass through it, by value or by id. */
export class Ledger {
  /** The id of each value; of a result that is not computed yet, the one that stands in for it. */
  readonly ids: number[] = [];
  /** Results that are still in use. */
  readonly alive = new Set<number>();
  /** tfjs's own record of each tensor that the session made, by the id it was made with. */
  readonly records = new Map<number, { id: number }>();
  readonly #values = new Map<number, number>();
  readonly #shapes: Shape[] = [];
  readonly #numbers = new Map<number, readonly number[]>();

  valueOf(id: number): number | undefined {
    return this.#values.get(id);
  }

  /** The id to give to TensorFlow. */
  realId(id: number): number {
    const value = this.#values.get(id);
    return value === undefined ? id : this.ids[value]!;
  }

  /** Numbers a tensor. */
  add(id: number, shape: Shape): number {
    const value = this.ids.length;
    this.#values.set(id, value);
    this.ids.push(id);
    this.#shapes.push(shape);
    return value;
  }

  /** Numbers host data, and remembers what may be a shape. */
  addFeed(id: number, shape: Shape, dtype: number, numbers: ArrayLike<number>): void {
    const value = this.add(id, shape);
    if (dtype === INT32 && numbers.length <= LONGEST_SHAPE) this.#numbers.set(value, Array.from(numbers));
  }

  addResult(id: number, shape: Shape): void {
    this.alive.add(this.add(id, shape));
  }

  /** The tensor that a promised result has become. */
  settle(value: number, id: number): void {
    const record = this.records.get(this.ids[value]!);
    if (record && this.alive.has(value)) record.id = id;
    this.records.set(id, record!);
    this.ids[value] = id;
    this.#values.set(id, value);
  }

  /** Shapes of an op's results, if they can be told without computing it. */
  shapesOf({ name, inputs, attributes }: Omit<Op, "results" | "kind">, count: number): readonly Shape[] | undefined {
    return resultShapes(name, {
      shapes: inputs.map((value) => this.#shapes[value]!),
      values: (input) => this.#numbers.get(inputs[input]!),
      attribute: (wanted) => attributes.find((attribute) => attribute.name === wanted)?.value,
      count,
    });
  }
}
