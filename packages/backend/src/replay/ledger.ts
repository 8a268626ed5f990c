import { sameList } from "@verlet/core";
import type { Asked } from "./events.js";
import { resultShapes, type Shape } from "./result-shapes.js";

const INT32 = 3; // TF_INT32

/** Longer lists hold data: no shape has so many axes. */
const LONGEST_SHAPE = 16;

/** Ids of promised results begin here, where those that TensorFlow gives out, 32-bit numbers from 0 on, end. */
const PROMISED = 2 ** 31 - 2 ** 24;

/** What is known of a value without computing it. */
export interface Fact {
  readonly shape: Shape;
  /** Its numbers, where they came from the host and may be a shape. */
  readonly numbers?: readonly number[] | undefined;
}

/** The facts that an event met, none but for an op, and those that it led to: from the same ones, the same follow. */
export interface Memo {
  readonly given: readonly Fact[];
  readonly results: readonly Fact[];
}

/** What a session knows of the tensors that pass through it, by value or by id. */
export class Ledger {
  /** The id of each value; of a result that is not computed yet, the one that stands in for it. */
  readonly ids: number[] = [];
  /** Results that are still in use. */
  readonly alive = new Set<number>();
  /** tfjs's own record of each value that has become a tensor in the session. */
  readonly records: ({ id: number } | undefined)[] = [];
  /** Values by their ids, but for those promised. */
  readonly #values = new Map<number, number>();
  readonly #facts: Fact[] = [];

  valueOf(id: number): number | undefined {
    return id >= PROMISED ? id - PROMISED : this.#values.get(id);
  }

  /** The id to give to TensorFlow. */
  realId(id: number): number {
    const value = this.valueOf(id);
    return value === undefined ? id : this.ids[value]!;
  }

  /** Numbers a tensor. */
  add(id: number, fact: Fact): void {
    this.#values.set(id, this.#number(id, fact));
  }

  addResult(id: number, fact: Fact): void {
    this.add(id, fact);
    this.alive.add(this.ids.length - 1);
  }

  /** Numbers a result that is not computed yet. @returns the id that stands in for it */
  promise(fact: Fact): number {
    const id = PROMISED + this.ids.length;
    this.alive.add(this.#number(id, fact));
    return id;
  }

  /** The tensor that a promised result has become. */
  settle(value: number, id: number): void {
    const record = this.records[value];
    if (record && this.alive.has(value)) record.id = id;
    this.ids[value] = id;
    this.#values.set(id, value);
  }

  /** What an op's results are, if that can be told without computing it. @param memo of the same op at the same place */
  foretell({ name, inputs, attributes }: Asked, count: number, memo?: Memo): readonly Fact[] | undefined {
    if (memo && inputs.every((value, i) => this.#facts[value] === memo.given[i])) return memo.results;
    const shapes = resultShapes(name, {
      shapes: inputs.map((value) => this.#facts[value]!.shape),
      values: (input) => this.#facts[inputs[input]!]!.numbers,
      attribute: (wanted) => attributes.find((attribute) => attribute.name === wanted)?.value,
      count,
    });
    return shapes?.map((shape) => ({ shape }));
  }

  /** The memo of an op that led to `results`. */
  memoOf({ inputs }: Asked, results: readonly Fact[]): Memo {
    return { given: inputs.map((value) => this.#facts[value]!), results };
  }

  #number(id: number, fact: Fact): number {
    this.#facts.push(fact);
    return this.ids.push(id) - 1;
  }
}

/** What is known of host data, or of a tensor from outside. @param memo of the same event; its fact is taken where that says the same */
export function factOf(shape: Shape, numbers: readonly number[] | undefined, memo: Memo | undefined): Fact {
  const known = memo?.results[0];
  const same = known && sameList(known.shape, shape) && (known.numbers === numbers || (known.numbers && numbers && sameList(known.numbers, numbers)));
  return same ? known : { shape, numbers };
}

/** What host data may say about shapes. */
export const shapeNumbers = (dtype: number, numbers: ArrayLike<number>): readonly number[] | undefined => (dtype === INT32 && numbers.length <= LONGEST_SHAPE ? Array.from(numbers) : undefined);
