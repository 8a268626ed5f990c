import type { Graph, GraphBackend, GraphBinding, TensorMetadata } from "../compile/graph-binding.js";
import type { Asked, Event, Feed, Outside } from "./events.js";
import { executeAsInGraph } from "./graph-kernels.js";
import type { Ledger } from "./ledger.js";
import type { SharedProgram, TraceStore } from "./trace-store.js";

let programs = 0;

/** Executes a computation's ops as they come and writes them down. */
export class Recording {
  readonly #backend: GraphBackend;
  readonly #binding: GraphBinding;
  readonly #ledger: Ledger;
  readonly #graph: Graph;
  readonly #events: Event[] = [];
  /** [node, output] of each value. */
  readonly #sources: [number, number][] = [];
  /** False once a shape was foretold wrongly: such a course is not kept. */
  #sound = true;

  /** @param binding the addon itself: what `backend` holds during a session is the session's */
  constructor(backend: GraphBackend, ledger: Ledger, binding: GraphBinding) {
    this.#backend = backend;
    this.#ledger = ledger;
    this.#binding = binding;
    this.#graph = binding.newGraph();
  }

  /** Takes up a course that left a known one: computes what was only promised so far, and frees what is no longer in use. */
  catchUp(events: readonly Event[]): void {
    const lastUse = lastUses(events);
    const { ids, alive } = this.#ledger;
    events.forEach((event, position) => {
      const first = this.#sources.length;
      if (event.kind !== "op") this.given(event);
      else {
        this.#compute(event, event.results.length).forEach(({ id }, k) => this.#ledger.settle(first + k, id));
        this.#events.push(event);
      }
      for (const value of lastUse[position]!) if (!alive.has(value)) this.#binding.deleteTensor(ids[value]!);
    });
  }

  given(event: Feed | Outside): void {
    const type = event.kind === "feed" ? event.dtype : this.#backend.getDTypeInteger(event.dtype);
    this.#sources.push([this.#binding.graphInput(this.#graph, type), 0]);
    this.#events.push(event);
  }

  /** @throws Error where the op cannot be part of a graph; it is not executed then */
  op(op: Asked, count: number): TensorMetadata[] {
    const foretold = this.#ledger.foretell(op, count);
    if (!foretold) throw new Error(`no shapes for ${op.name}`);
    const results = this.#compute(op, count);
    this.#events.push({ ...op, results: results.map(({ dtype }) => dtype) });
    results.forEach(({ id, shape }, k) => {
      this.#sound &&= shape.join() === foretold[k]!.shape.join();
      this.#ledger.addResult(id, { shape });
    });
    return results;
  }

  /** Ends the computation here and keeps its course. */
  finish(store: TraceStore, stopsHere: boolean): void {
    const { alive, records } = this.#ledger;
    const outputs = [...alive].sort((a, b) => a - b);
    if (!this.#sound || outputs.length === 0 || outputs.some((value) => !records[value])) return; // nothing to hand over, or held below tfjs
    const inputs: number[] = [];
    let next = 0;
    for (const event of this.#events) {
      if (event.kind !== "op") inputs.push(next);
      next += event.kind === "op" ? event.results.length : 1;
    }
    store.add({ events: this.#events, memos: [], inputs, outputs, program: this.#program(store, inputs, outputs), stopsHere }, this.#binding);
  }

  #program(store: TraceStore, inputs: readonly number[], outputs: readonly number[]): SharedProgram {
    const text = JSON.stringify([this.#events, outputs]);
    const known = store.program(text);
    if (known) return known;
    const program = { name: `verlet_step_${programs++}`, text, users: 0 };
    this.#binding.addFunction(this.#graph, program.name, inputs.map((value) => this.#sources[value]![0]), outputs.flatMap((value) => this.#sources[value]!));
    return program;
  }

  #compute(op: Asked, count: number): TensorMetadata[] {
    const { name, inputs, attributes } = op;
    const ids = inputs.map((value) => this.#ledger.ids[value]!);
    const node = this.#binding.graphOp(this.#graph, name, attributes, ids, inputs.flatMap((value) => this.#sources[value]!));
    const results = executeAsInGraph(this.#binding, op, ids, count);
    this.#sources.push(...results.map((_, k): [number, number] => [node, k]));
    return results;
  }
}

/** The results that each event is the last to use, those that it makes and nothing uses included. */
function lastUses(events: readonly Event[]): number[][] {
  const last: number[] = [];
  events.forEach((event, position) => {
    if (event.kind !== "op") return void last.push(-1);
    for (const value of event.inputs) if (last[value]! >= 0) last[value] = position;
    event.results.forEach(() => last.push(position));
  });
  const uses: number[][] = events.map(() => []);
  last.forEach((position, value) => position >= 0 && uses[position]!.push(value));
  return uses;
}
