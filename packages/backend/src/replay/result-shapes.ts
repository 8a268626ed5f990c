/** Shapes of an op's results from those of its inputs, so that a step can be followed without computing it. */

export type Shape = readonly number[];

/** What a shape may depend on. */
export interface Known {
  shapes: readonly Shape[];
  /** Numbers of an input, where they came from the host and are few. */
  values(input: number): readonly number[] | undefined;
  attribute(name: string): unknown;
  /** How many results there are. */
  count: number;
}

type Rule = (known: Known) => readonly Shape[] | undefined;

/** @returns the shapes, or undefined where there is no rule for the op, or not enough is known */
export const resultShapes = (op: string, known: Known): readonly Shape[] | undefined => rules[op]?.(known);

const first: Rule = ({ shapes }) => [shapes[0]!];

const broadcast: Rule = ({ shapes }) => {
  const rank = Math.max(...shapes.map(({ length }) => length));
  return [Array.from({ length: rank }, (_, axis) => shapes.reduce((size, shape) => {
    const own = shape[axis - rank + shape.length] ?? 1;
    return own === 1 ? size : own;
  }, 1))];
};

const positive = (axis: number, rank: number): number => (axis < 0 ? axis + rank : axis);

const reduce: Rule = ({ shapes: [x], values, attribute }) => {
  const axes = values(1)?.map((axis) => positive(axis, x!.length));
  if (!axes) return undefined;
  return [attribute("keep_dims") ? x!.map((size, axis) => (axes.includes(axis) ? 1 : size)) : x!.filter((_, axis) => !axes.includes(axis))];
};

const batched = (adjointX: string, adjointY: string): Rule => ({ shapes: [x, y], attribute }) => {
  const rows = x!.at(attribute(adjointX) ? -1 : -2)!;
  const columns = y!.at(attribute(adjointY) ? -2 : -1)!;
  const [batch] = broadcast({ shapes: [x!.slice(0, -2), y!.slice(0, -2)] } as unknown as Known)!;
  return [[...batch!, rows, columns]];
};

const reshape: Rule = ({ shapes: [x], values }) => {
  const target = values(1);
  if (!target) return undefined;
  const size = x!.reduce((a, b) => a * b, 1);
  const rest = target.reduce((a, b) => (b < 0 ? a : a * b), 1);
  return [target.map((length) => (length < 0 ? size / rest : length))];
};

const concat: Rule = ({ shapes, values }) => {
  const parts = shapes.slice(0, -1);
  const axis = values(parts.length)?.[0];
  if (axis === undefined) return undefined;
  const at = positive(axis, parts[0]!.length);
  return [parts[0]!.map((size, i) => (i === at ? parts.reduce((sum, part) => sum + part[at]!, 0) : size))];
};

const splitV: Rule = ({ shapes: [x], values }) => {
  const [sizes, axis] = [values(1), values(2)?.[0]];
  if (!sizes || axis === undefined) return undefined;
  const at = positive(axis, x!.length);
  const rest = x![at]! - sizes.reduce((a, b) => a + Math.max(b, 0), 0);
  return sizes.map((part) => x!.map((size, i) => (i === at ? (part < 0 ? rest : part) : size)));
};

const slice: Rule = ({ shapes: [x], values }) => {
  const [begin, sizes] = [values(1), values(2)];
  return begin && sizes && [sizes.map((size, i) => (size < 0 ? x![i]! - begin[i]! : size))];
};

const gather: Rule = ({ shapes: [x, indices], values, attribute }) => {
  const axis = values(2)?.[0];
  if (axis === undefined) return undefined;
  const at = positive(axis, x!.length);
  return [[...x!.slice(0, at), ...indices!.slice(Number(attribute("batch_dims") ?? 0)), ...x!.slice(at + 1)]];
};

const expandDims: Rule = ({ shapes: [x], values }) => {
  const axis = values(1)?.[0];
  return axis === undefined ? undefined : [x!.toSpliced(positive(axis, x!.length + 1), 0, 1)];
};

const pad: Rule = ({ shapes: [x], values }) => {
  const around = values(1);
  return around && [x!.map((size, i) => size + around[2 * i]! + around[2 * i + 1]!)];
};

const oneHot: Rule = ({ shapes: [indices], values, attribute }) => {
  const depth = values(1)?.[0];
  return depth === undefined || Number(attribute("axis") ?? -1) !== -1 ? undefined : [[...indices!, depth]];
};

/** Of matrices a and b, the latter perhaps with two numbers in the place of one, after `sums` of the result's shape. */
const product: Rule = ({ shapes, attribute }) => {
  const [a, b] = shapes.slice(Number(attribute("sums")));
  const columns = attribute("transpose_b") ? b![0]! : b![1]! * (attribute("halves") ? 2 : 1);
  return [[a![attribute("transpose_a") ? 1 : 0]!, columns]];
};

/** Of x, then weights, A [r, in] and B [out, r] of each layer: the outputs and x·Aᵀ of each. */
const adaptedLinears: Rule = ({ shapes: [x, ...shapes], attribute }) => {
  const count = Number(attribute("count"));
  const [a, b] = [shapes.slice(count, 2 * count), shapes.slice(2 * count)];
  return [...b, ...a].map(([rows]) => [x![0]!, rows!]);
};

/** Of [sum,] x, then gradients, weights, A, B and x·Aᵀ of each layer: of x, where it is wanted, of A and of B. */
const adaptedLinearsGrad: Rule = ({ shapes, attribute }) => {
  const [x, ...rest] = shapes.slice(Number(attribute("sums")));
  const count = Number(attribute("count"));
  return [...(attribute("wanted") ? [x!] : []), ...rest.slice(2 * count, 4 * count)];
};

/** As many results of the shape of an input. */
const like = (...inputs: number[]): Rule => ({ shapes }) => inputs.map((input) => shapes[input]!);

/** The values of an input are the shape. */
const shapeInput = (input: number): Rule => ({ values }) => {
  const shape = values(input);
  return shape && [shape];
};

const rules: Record<string, Rule> = {
  ...all(["Abs", "Cast", "Ceil", "ClipByValue", "Cumsum", "Erf", "Exp", "Expm1", "Floor", "Identity", "IsFinite", "IsInf", "IsNan", "LeakyRelu", "Log", "Log1p", "LogSoftmax", "LogicalNot", "Neg",
    "OnesLike", "Reciprocal", "Relu", "ReverseV2", "Round", "Rsqrt", "Sigmoid", "Sign", "Softmax", "Softplus", "Sqrt", "Square", "Tanh", "TensorScatterAdd", "TensorScatterUpdate", "ZerosLike"], first),
  ...all(["Add", "AddV2", "Sub", "Mul", "Div", "RealDiv", "FloorDiv", "Mod", "FloorMod", "Pow", "Maximum", "Minimum", "SquaredDifference", "Greater", "GreaterEqual", "Less", "LessEqual", "Equal", "NotEqual",
    "LogicalAnd", "LogicalOr", "SelectV2"], broadcast),
  ...all(["Sum", "Mean", "Max", "Min", "Prod", "All", "Any", "ArgMax", "ArgMin"], reduce),
  AddN: first,
  Bitcast: ({ shapes: [x], attribute }) => bitcast(x!, Number(attribute("T")), Number(attribute("type"))),
  BatchMatMulV2: batched("adj_x", "adj_y"),
  BroadcastTo: shapeInput(1),
  ConcatV2: concat,
  ExpandDims: expandDims,
  Fill: shapeInput(0),
  GatherV2: gather,
  L2Loss: () => [[]],
  MatMul: batched("transpose_a", "transpose_b"),
  OneHot: oneHot,
  Pack: ({ shapes, attribute }) => [shapes[0]!.toSpliced(positive(Number(attribute("axis") ?? 0), shapes[0]!.length + 1), 0, shapes.length)],
  Pad: pad,
  PadV2: pad,
  Reshape: reshape,
  ScatterNd: shapeInput(2),
  Select: ({ shapes }) => [shapes[1]!],
  Slice: slice,
  SparseSoftmaxCrossEntropyWithLogits: ({ shapes: [logits] }) => [logits!.slice(0, -1), logits!],
  SplitV: splitV,
  StatelessRandomUniform: shapeInput(0),
  Tile: ({ shapes: [x], values }) => values(1) && [x!.map((size, i) => size * values(1)![i]!)],
  Transpose: ({ shapes: [x], values }) => values(1) && [values(1)!.map((axis) => x![axis]!)],
  VerletAdaptedLinears: adaptedLinears,
  VerletAdaptedLinearsGrad: adaptedLinearsGrad,
  VerletAddLowRank: ({ shapes: [, u, w], attribute }) => [[u![0]!, w![attribute("transposed") ? 0 : 1]!]],
  VerletAttention: ({ shapes: [q] }) => [q!, [q![0]!, q![2]!, q![1]!]],
  VerletAttentionGrad: like(0, 1, 2),
  VerletCausalSoftmax: first,
  VerletCausalSoftmaxGrad: first,
  VerletLogitSlopes: first,
  VerletOfLogits: like(1, 1, 1, 1, 1, 1),
  VerletPanelProduct: ({ shapes: [x, w] }) => [[x![0]!, 32 * w![0]!]],
  VerletProduct: product,
  VerletRmsNorm: ({ shapes: [x] }) => [x!, [...x!.slice(0, -1), 1]],
  VerletRmsNormGrad: ({ shapes: [, x] }) => [x!, x!.slice(-1)],
  VerletRotary: first,
  VerletSwiglu: first,
  VerletSwigluGrad: like(1, 2),
  UnsortedSegmentSum: ({ shapes: [x, segments], values }) => values(2) && [[values(2)![0]!, ...x!.slice(segments!.length)]],
};

function all(names: readonly string[], rule: Rule): Record<string, Rule> {
  return Object.fromEntries(names.map((name) => [name, rule]));
}

/** Bytes of a number, by TensorFlow's type. */
const widths: Record<number, number> = { 1: 4, 3: 4, 4: 1, 6: 1, 14: 2, 19: 2 };

/** Another reading of the same bytes: the last axis is split off or taken in where the widths differ. */
function bitcast(x: Shape, from: number, to: number): readonly Shape[] | undefined {
  const [wide, narrow] = [widths[from], widths[to]];
  if (!wide || !narrow) return undefined;
  if (wide === narrow) return [x];
  return wide > narrow ? [[...x, wide / narrow]] : [x.slice(0, -1)];
}
