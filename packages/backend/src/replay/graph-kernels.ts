import type { GraphBinding, TensorMetadata } from "../compile/graph-binding.js";
import type { OpAttribute } from "./events.js";

/** Ops that have another kernel in graphs than alone (oneDNN's), which differs in the last bit. */
const otherInGraphs = new Set(["Softmax"]);

const FLOAT = 1; // TF_FLOAT

const functions = new WeakMap<GraphBinding, Map<string, string>>();

/** Executes an op by the kernel that it has in a graph, so that recorded and replayed steps agree to the bit. */
export function executeAsInGraph(binding: GraphBinding, { name, attributes }: { name: string; attributes: OpAttribute[] }, ids: number[], count: number): TensorMetadata[] {
  return otherInGraphs.has(name) ? binding.executeOp(functionOf(binding, name, attributes, ids), [], ids, count) : binding.executeOp(name, attributes, ids, count);
}

/** The name of a function of this op alone. */
function functionOf(binding: GraphBinding, name: string, attributes: OpAttribute[], ids: number[]): string {
  const known = functions.get(binding) ?? new Map<string, string>();
  functions.set(binding, known);
  const key = JSON.stringify([name, attributes]);
  const found = known.get(key);
  if (found) return found;
  const graph = binding.newGraph();
  const inputs = ids.map(() => binding.graphInput(graph, FLOAT));
  const node = binding.graphOp(graph, name, attributes, ids, inputs.flatMap((input) => [input, 0]));
  const made = `verlet_${name}_${known.size}`;
  binding.addFunction(graph, made, inputs, [node, 0]);
  known.set(key, made);
  return made;
}
