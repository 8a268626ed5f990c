import type { GraphBinding } from "../compile/graph-binding.js";
import { foretells, type Asked, type Event, type Feed, type Outside } from "./events.js";
import type { Memo } from "./ledger.js";

/** A TensorFlow function; traces of the same text share it. */
export interface SharedProgram {
  name: string;
  text: string;
  users: number;
}

/** One course that the computation took, and the function that does it. */
export interface StepTrace {
  /** Courses that begin alike share the same objects. */
  events: readonly Event[];
  /** What each event led to when the course was last taken. */
  memos: (Memo | undefined)[];
  program: SharedProgram;
  /** Numbers of the values that go in, and of those that come out. */
  inputs: readonly number[];
  outputs: readonly number[];
  /** What came next cannot be part of a graph. */
  stopsHere: boolean;
}

/** The courses known, the one taken last at the end. */
export class TraceStore {
  readonly #limit: number;
  readonly #traces: StepTrace[] = [];

  constructor(limit: number) {
    this.#limit = limit;
  }

  get last(): StepTrace | undefined {
    return this.#traces.at(-1);
  }

  /** Another course that agrees with `current` up to `at`, and goes on with `event` (or ends there). */
  fork(current: StepTrace, at: number, event: Feed | Outside | Asked | undefined): StepTrace | undefined {
    return this.#traces.findLast(({ events }) => {
      if (event ? events.length <= at || !foretells(events[at]!, event) : events.length !== at) return false;
      for (let i = at - 1; i >= 0; i--) if (events[i] !== current.events[i]) return false;
      return true;
    });
  }

  program(text: string): SharedProgram | undefined {
    return this.#traces.find(({ program }) => program.text === text)?.program;
  }

  used(trace: StepTrace): void {
    this.#traces.splice(this.#traces.indexOf(trace), 1);
    this.#traces.push(trace);
  }

  add(trace: StepTrace, binding: GraphBinding): void {
    trace.program.users += 1;
    this.#traces.push(trace);
    while (this.#traces.length > this.#limit) forget(this.#traces.shift()!, binding);
  }

  clear(binding: GraphBinding): void {
    this.#traces.splice(0).forEach((trace) => forget(trace, binding));
  }
}

function forget({ program }: StepTrace, binding: GraphBinding): void {
  program.users -= 1;
  if (program.users === 0) binding.removeFunction(program.name);
}
