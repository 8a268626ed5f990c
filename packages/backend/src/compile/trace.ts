import { tf } from "../tf.js";
import type { Graph, GraphBackend, GraphBinding } from "./graph-binding.js";

/** A traced function, registered with TensorFlow. */
export interface Program {
  name: string;
  outputs: number;
  /** Everything about the graph that could depend on the inputs' shapes: two traces with the same text compute the same. */
  text: string;
}

/** What the function did that a graph cannot. */
export class Untraceable extends Error {}

/** Where a value comes from: an output of a node. */
type Source = [node: number, output: number];

let programs = 0;

/**
 * Runs a function op by op and records what it does as a TensorFlow function.
 * @param fn gives back its results, which belong to the scope that is open
 * @throws Untraceable where the function reads a computed value, or uses a tensor that is not among its inputs
 */
export function trace(backend: GraphBackend, fn: () => tf.Tensor[], inputs: readonly tf.Tensor[]): Program {
  const real = backend.binding;
  const graph = real.newGraph();
  const ids = backend.getInputTensorIds(inputs);
  const placeholders = inputs.map(({ dtype }) => real.graphInput(graph, backend.getDTypeInteger(dtype)));
  const sources = new Map<number, Source>(ids.map((id, i) => [id, [placeholders[i]!, 0]]));
  const constants = new Set<number>();
  const lines: string[] = [];

  const sourceOf = (id: number): Source => {
    const known = sources.get(id);
    if (known) return known;
    if (!constants.has(id)) throw foreignTensor();
    const source: Source = [real.graphConstant(graph, id), 0];
    sources.set(id, source);
    return source;
  };
  const record = (name: string, attributes: object[], opInputs: number[], from: number[]): number => {
    try {
      return real.graphOp(graph, name, attributes, opInputs, from);
    } catch (error) {
      throw new Untraceable(`the op ${name} cannot be part of a graph (${(error as Error).message})`);
    }
  };
  const recorder: Partial<GraphBinding> = {
    executeOp(name, attributes, opInputs, count) {
      const from = opInputs.flatMap(sourceOf);
      const outputs = real.executeOp(name, attributes, opInputs, count);
      const node = record(name, attributes, opInputs, from);
      outputs.forEach(({ id }, i) => sources.set(id, [node, i]));
      lines.push(JSON.stringify([name, attributes, from]));
      return outputs;
    },
    createTensor(shape, dtype, values) {
      const id = real.createTensor(shape, dtype, values);
      constants.add(id);
      lines.push(JSON.stringify([shape, dtype, Array.from(values as ArrayLike<unknown>)]));
      return id;
    },
    tensorDataSync(id) {
      if (!constants.has(id)) throw new Untraceable("it reads a computed value");
      return real.tensorDataSync(id);
    },
  };

  const { write, getInputTensorIds } = backend;
  const written = new Set<object>();
  Object.assign(backend, {
    binding: overlay(real, recorder),
    write: (...given: unknown[]) => {
      const dataId = write.apply(backend, given);
      written.add(dataId);
      return dataId;
    },
    // Values are handed to TensorFlow when they are first used: those of a tensor from outside would look like a constant.
    getInputTensorIds: (tensors: readonly tf.Tensor[]) => {
      if (tensors.some(({ dataId }) => backend.tensorMap.get(dataId).values && !written.has(dataId))) throw foreignTensor();
      return getInputTensorIds.call(backend, tensors);
    },
  });
  try {
    const results = fn();
    const outputs = backend.getInputTensorIds(results).flatMap((id) => copyOf(real, graph, id, sourceOf(id)));
    const name = `verlet_${programs++}`;
    real.addFunction(graph, name, placeholders, outputs);
    return { name, outputs: results.length, text: [...lines, JSON.stringify(outputs)].join("\n") };
  } finally {
    Object.assign(backend, { binding: real, write, getInputTensorIds });
  }
}

const foreignTensor = (): Untraceable => new Untraceable("it uses a tensor that is not among its inputs");

/** A node of its own for a result: a function may not hand an input back as it is. */
const copyOf = (real: GraphBinding, graph: Graph, id: number, source: Source): Source => [real.graphOp(graph, "Identity", [], [id], source), 0];

/** The addon with some of its methods replaced; its own are not enumerable, so it cannot be copied. */
function overlay(real: GraphBinding, replaced: Partial<GraphBinding>): GraphBinding {
  return new Proxy({} as GraphBinding, { get: (_, key) => Reflect.get(key in replaced ? replaced : real, key) as unknown });
}

/** Runs a program; the results belong to the scope that is open. */
export function runProgram(backend: GraphBackend, { name, outputs }: Program, inputs: readonly tf.Tensor[]): tf.Tensor[] {
  const results = backend.binding.executeOp(name, [], backend.getInputTensorIds(inputs), outputs);
  return results.map((result) => backend.createOutputTensor(result));
}
