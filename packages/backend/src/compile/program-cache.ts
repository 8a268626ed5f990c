import type { tf } from "../tf.js";
import type { Program } from "./trace.js";

interface Inputs {
  tensors: readonly tf.Tensor[];
  /** Structure, types and ranks. */
  outline: string;
}

/** A program and the form of its results; the tensors in there serve as places only. */
interface Traced<Output> {
  program: Program;
  results: Output;
}

interface Entry<Output> extends Traced<Output> {
  outline: string;
  /** The inputs' axes, one after the other; −1 where the program holds for every length. */
  axes: number[];
  remove(name: string): void;
}

const axesOf = ({ tensors }: Inputs): number[] => tensors.flatMap(({ shape }) => shape);

/** Programs by the shapes they hold for, the one used last at the end. */
export class ProgramCache<Output> {
  readonly #limit: number;
  readonly #entries: Entry<Output>[] = [];

  constructor(limit: number) {
    this.#limit = limit;
  }

  find(inputs: Inputs): Traced<Output> | undefined {
    const axes = axesOf(inputs);
    const at = this.#entries.findLastIndex(({ outline, axes: known }) => outline === inputs.outline && known.every((length, i) => length === -1 || length === axes[i]));
    if (at < 0) return undefined;
    const [entry] = this.#entries.splice(at, 1);
    this.#entries.push(entry!);
    return entry;
  }

  /**
   * Takes in a fresh program. One that is word for word a program known for the same outline shows that the axes in which
   * their inputs differ do not enter it.
   */
  add(inputs: Inputs, traced: Traced<Output>, remove: (name: string) => void): void {
    const axes = axesOf(inputs);
    const same = this.#entries.find(({ outline, program }) => outline === inputs.outline && program.text === traced.program.text);
    if (same) {
      same.axes = same.axes.map((length, i) => (length === axes[i] ? length : -1));
      remove(traced.program.name);
      return;
    }
    this.#entries.push({ ...traced, outline: inputs.outline, axes, remove });
    while (this.#entries.length > this.#limit) forget(this.#entries.shift()!);
  }

  clear(): void {
    this.#entries.splice(0).forEach(forget);
  }
}

function forget({ program, remove }: Entry<unknown>): void {
  remove(program.name);
}
