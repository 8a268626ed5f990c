/** The addon as `verlet setup` builds it: ops executed one by one, and traced graphs registered as functions. */
import { tf } from "../tf.js";

/** A tensor as the addon describes it. */
export interface TensorMetadata {
  id: number;
  shape: number[];
  dtype: number;
}

declare const graph: unique symbol;
/** A TensorFlow graph under construction; freed with the object. */
export type Graph = { readonly [graph]: true };

export interface GraphBinding {
  executeOp(name: string, attributes: object[], inputs: number[], outputs: number): TensorMetadata[];
  createTensor(shape: number[], dtype: number, values: unknown): number;
  tensorDataSync(id: number): unknown;
  deleteTensor(id: number): void;
  newGraph(): Graph;
  /** @returns the node's index */
  graphInput(graph: Graph, dtype: number): number;
  graphConstant(graph: Graph, tensorId: number): number;
  /** @param sources [node, output] of each input, flat */
  graphOp(graph: Graph, name: string, attributes: object[], inputs: number[], sources: number[]): number;
  /** Makes the function callable by its name, through executeOp. */
  addFunction(graph: Graph, name: string, inputs: number[], outputs: number[]): void;
  removeFunction(name: string): void;
}

/** The part of tfjs-node's backend that traces and calls. */
export interface GraphBackend {
  binding: GraphBinding;
  /** Values not yet handed to TensorFlow, of each data id. */
  readonly tensorMap: { get(dataId: object): { id: number; values: unknown } };
  write(...given: unknown[]): object;
  getInputTensorIds(tensors: readonly tf.Tensor[]): number[];
  createOutputTensor(metadata: TensorMetadata): tf.Tensor;
  getDTypeInteger(dtype: string): number;
}

let graphs = true;

/** Whether `compile` and `replayed` run graphs; off, they run op by op everywhere. */
export function useGraphs(on: boolean): void {
  graphs = on;
}

/** The backend in use, if it can run functions: native, set up by `verlet setup`. */
export function graphBackend(): GraphBackend | undefined {
  if (!graphs) return undefined;
  const backend = tf.backend() as unknown as Partial<GraphBackend>;
  return typeof backend.binding?.addFunction === "function" ? (backend as GraphBackend) : undefined;
}
