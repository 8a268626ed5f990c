import { tf } from "../tf.js";
import type { GraphBackend, GraphBinding, TensorMetadata } from "../compile/graph-binding.js";
import { foretells, isStateful, type Asked, type Event, type Feed, type Op, type OpAttribute, type Outside } from "./events.js";
import { factOf, Ledger, shapeNumbers, type Fact } from "./ledger.js";
import { Recording } from "./recording.js";
import type { Shape } from "./result-shapes.js";
import type { StepTrace, TraceStore } from "./trace-store.js";

/**
 * One run of a computation. While it takes a course that is known, nothing is computed: results are promised, with the
 * shapes that they had before. At the end, or where a result is read, one call of the course's function makes them good.
 * Where it leaves every known course, what was promised is computed, and the new course is written down.
 */
export class StepSession {
  readonly #backend: GraphBackend;
  readonly #real: GraphBinding;
  readonly #store: TraceStore;
  readonly #ledger = new Ledger();
  /** Tensors handed in through tfjs, by id. */
  readonly #seen = new Map<number, Pick<tf.Tensor, "shape" | "dtype">>();
  /** Tensors that the computation gave up but the function still needs. */
  readonly #deferred: number[] = [];
  #trace: StepTrace | undefined;
  #at = 0;
  #recording: Recording | undefined;
  #restore: () => void;

  constructor(backend: GraphBackend, store: TraceStore) {
    this.#backend = backend;
    this.#real = backend.binding;
    this.#store = store;
    this.#trace = store.last;
    if (!this.#trace) this.#recording = new Recording(backend, this.#ledger, backend.binding);
    this.#restore = this.#patch();
  }

  /** True where one call computed what was promised. */
  replayed = false;
  /** Ops executed one by one. */
  single = 0;

  /** Makes good what is promised; ops run one by one from here on. */
  end(): void {
    if (this.#running) this.#stop(true);
  }

  /** Makes good what is promised and lets go of the backend. */
  close(): void {
    try {
      this.#stop();
    } finally {
      this.#restore();
    }
  }

  /** The same after an error, keeping nothing. */
  abandon(): void {
    try {
      if (this.#trace) this.#leave();
    } finally {
      this.#restore();
    }
  }

  #patch(): () => void {
    const { binding, getInputTensorIds, createOutputTensor } = this.#backend;
    const replaced: Partial<GraphBinding> = {
      createTensor: (shape, dtype, values) => this.#createTensor(shape, dtype, values as readonly number[]),
      executeOp: (name, attributes, inputs, count) => this.#executeOp(name, attributes as OpAttribute[], inputs, count),
      deleteTensor: (id) => this.#deleteTensor(id),
      tensorDataSync: (id) => this.#read(id),
    };
    Object.assign(this.#backend, {
      binding: Object.create(binding, Object.getOwnPropertyDescriptors(replaced)) as GraphBinding, // the addon's own functions cannot be assigned to
      getInputTensorIds: (tensors: readonly tf.Tensor[]) => {
        const ids = getInputTensorIds.call(this.#backend, tensors);
        for (let i = 0; i < ids.length; i++) if (this.#ledger.valueOf(ids[i]!) === undefined) this.#seen.set(ids[i]!, tensors[i]!);
        return ids;
      },
      createOutputTensor: (metadata: TensorMetadata) => {
        const tensor = createOutputTensor.call(this.#backend, metadata);
        const value = this.#ledger.valueOf(metadata.id);
        if (value !== undefined) this.#ledger.records[value] = this.#backend.tensorMap.get(tensor.dataId);
        return tensor;
      },
    });
    return () => Object.assign(this.#backend, { binding, getInputTensorIds, createOutputTensor });
  }

  get #running(): boolean {
    return this.#trace !== undefined || this.#recording !== undefined;
  }

  #createTensor(shape: number[], dtype: number, values: readonly number[]): number {
    const id = this.#real.createTensor(shape, dtype, values);
    if (this.#running) this.#ledger.add(id, this.#happens({ kind: "feed", dtype }, shape, shapeNumbers(dtype, values)));
    return id;
  }

  #executeOp(name: string, attributes: OpAttribute[], inputs: number[], count: number): TensorMetadata[] {
    if (this.#running && (isStateful(name) || !inputs.every((id) => this.#meet(id)))) this.#stop(true);
    if (!this.#running) return this.#alone(name, attributes, inputs, count);
    const op: Asked = { kind: "op", name, attributes, inputs: inputs.map((id) => this.#ledger.valueOf(id)!) };
    const known = this.#follow(op) as Op | undefined;
    const promised = known && this.#promise(op, known);
    if (promised) return promised;
    if (known) this.#leave();
    if (!this.#recording) return this.#alone(name, attributes, inputs, count);
    try {
      const results = this.#recording.op(op, count);
      this.single += 1;
      return results;
    } catch {
      this.#stop(true); // the op cannot be part of a graph, or is wrong: then this says so
      return this.#alone(name, attributes, inputs, count);
    }
  }

  #alone(name: string, attributes: OpAttribute[], inputs: number[], count: number): TensorMetadata[] {
    this.single += 1;
    return this.#real.executeOp(name, attributes, inputs.map((id) => this.#ledger.realId(id)), count);
  }

  /** Passes the event by, if its results can be told. */
  #promise(op: Asked, { results }: Op): TensorMetadata[] | undefined {
    const { memos } = this.#trace!;
    const memo = memos[this.#at];
    const facts = this.#ledger.foretell(op, results.length, memo);
    if (!facts) return undefined;
    if (facts !== memo?.results) memos[this.#at] = this.#ledger.memoOf(op, facts);
    this.#at += 1;
    return facts.map((fact, k) => ({ id: this.#ledger.promise(fact), shape: fact.shape as number[], dtype: results[k]! }));
  }

  /** Numbers a tensor that comes from outside. @returns false where it was not handed in through tfjs */
  #meet(id: number): boolean {
    if (this.#ledger.valueOf(id) !== undefined) return true;
    const seen = this.#seen.get(id);
    if (!seen) return false;
    this.#ledger.add(id, this.#happens({ kind: "outside", dtype: seen.dtype }, seen.shape, undefined));
    return this.#running;
  }

  /** @returns what is known of the value */
  #happens(event: Feed | Outside, shape: Shape, numbers: readonly number[] | undefined): Fact {
    const known = this.#follow(event);
    if (!known) {
      this.#recording?.given(event);
      return { shape, numbers };
    }
    const { memos } = this.#trace!;
    const fact = factOf(shape, numbers, memos[this.#at]);
    if (fact !== memos[this.#at]?.results[0]) memos[this.#at] = { given: [], results: [fact] };
    this.#at += 1;
    return fact;
  }

  /** The next event of the course that is being followed, if it is the one that happens; otherwise a recording takes over. */
  #follow(event: Feed | Outside | Asked): Event | undefined {
    if (!this.#trace) return undefined;
    const expected = this.#trace.events[this.#at];
    if (expected && foretells(expected, event)) return expected;
    const other = this.#store.fork(this.#trace, this.#at, event);
    if (!other) return void (this.#trace.stopsHere && !expected ? this.#stop() : this.#leave());
    this.#trace = other;
    return other.events[this.#at];
  }

  #leave(): void {
    const recording = new Recording(this.#backend, this.#ledger, this.#real);
    const events = this.#trace!.events.slice(0, this.#at);
    this.#trace = undefined;
    this.#recording = recording;
    recording.catchUp(events);
    this.#free();
  }

  #deleteTensor(id: number): void {
    const value = this.#ledger.valueOf(id);
    const result = value !== undefined && this.#ledger.alive.delete(value);
    if (!this.#trace || value === undefined) return this.#real.deleteTensor(this.#ledger.realId(id));
    if (!result) this.#deferred.push(id);
  }

  #read(id: number): unknown {
    const value = this.#ledger.valueOf(id);
    if (value !== undefined && this.#ledger.alive.has(value)) this.#stop();
    return this.#real.tensorDataSync(this.#ledger.realId(id));
  }

  #free(): void {
    this.#deferred.splice(0).forEach((id) => this.#real.deleteTensor(id));
  }

  /** Makes good what is promised; from here on ops run one by one. */
  #stop(stopsHere = false): void {
    if (this.#trace && this.#at !== this.#trace.events.length) {
      const other = this.#store.fork(this.#trace, this.#at, undefined);
      if (other) this.#trace = other;
      else this.#leave();
    }
    const { alive, ids } = this.#ledger;
    if (this.#trace && [...alive].some((value) => !this.#trace!.outputs.includes(value))) this.#leave();
    const trace = this.#trace;
    this.#trace = undefined;
    if (trace) {
      const results = this.#real.executeOp(trace.program.name, [], trace.inputs.map((value) => ids[value]!), trace.outputs.length);
      results.forEach(({ id }, k) => {
        const value = trace.outputs[k]!;
        if (!alive.has(value)) return this.#real.deleteTensor(id);
        this.#ledger.settle(value, id);
      });
      this.#free();
      this.#store.used(trace);
      this.replayed = true;
      return;
    }
    const recording = this.#recording;
    this.#recording = undefined;
    recording?.finish(this.#store, stopsHere);
  }
}
