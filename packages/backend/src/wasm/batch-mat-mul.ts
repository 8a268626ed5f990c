/**
 * A matrix product for the WebAssembly backend that is fast in training. The one it ships is fast only for a single
 * pair of matrices with nothing transposed, and falls back to a scalar loop, some fifteen times slower, for all else:
 * every gradient and all of attention. This one transposes first and multiplies pair by pair.
 */
import { tf } from "../tf.js";
import { RightOperands } from "./right-operands.js";
import { numbersOf, swapLastAxes, type WasmBackend } from "./wasm-backend.js";

/**
 * Multiply-adds in one pair of matrices below which the scalar loop wins: starting a fast product costs about 9 µs,
 * in which the loop does some 6,000 (measured).
 */
const LEAST_FOR_FAST = 6000;

const FLOAT = Float32Array.BYTES_PER_ELEMENT;

const bytes = (shape: readonly number[]): Uint8Array => new Uint8Array(Int32Array.from(shape).buffer);

/** Makes the kernel for one backend instance. `plain` is the kernel it takes the place of. */
export function batchMatMulKernel(backend: WasmBackend, plain: tf.KernelConfig): tf.KernelConfig {
  const run = backend.wasm.cwrap("BatchMatMul", null, ["number", "array", "number", "number", "array", "number", "number", "number", "number"]);
  const operands = new RightOperands(backend);
  const address = (x: tf.TensorInfo): number => backend.dataIdMap.get(x.dataId).memoryOffset;

  /** One product of row-major matrices: byte addresses of the left one and the result, a registered id of the right one. */
  const multiply = (left: number, right: number, out: number, rows: number, inner: number, columns: number): void => {
    const leftView = operands.view(left, rows * inner);
    const outView = operands.view(out, rows * columns);
    run(leftView, bytes([1, rows, inner]), 3, right, bytes([1, inner, columns]), 3, 0, 0, outView);
    operands.drop(leftView);
    operands.drop(outView);
  };

  /** One right matrix: all left ones lie below each other, and make one tall product. */
  const tall = (left: tf.TensorInfo, b: tf.TensorInfo, transposeB: boolean, out: tf.TensorInfo, { rows, inner, columns, pairs }: Product): void => {
    const right = operands.take(b, transposeB, inner, columns);
    multiply(address(left), right.id, address(out), rows * pairs.length, inner, columns);
    right.release();
  };

  const pairByPair = (left: tf.TensorInfo, b: tf.TensorInfo, transposeB: boolean, out: tf.TensorInfo, { rows, inner, columns, pairs }: Product): void => {
    const right = transposeB ? swapLastAxes(backend, b) : b;
    pairs.forEach(([i, j], k) => {
      const rightView = operands.view(address(right) + FLOAT * j * inner * columns, inner * columns);
      multiply(address(left) + FLOAT * i * rows * inner, rightView, address(out) + FLOAT * k * rows * columns, rows, inner, columns);
      operands.drop(rightView);
    });
    if (transposeB) backend.disposeData(right.dataId);
  };

  const kernelFunc: tf.KernelFunc = (call) => {
    const a = call.inputs["a"]!;
    const b = call.inputs["b"]!;
    const { transposeA = false, transposeB = false } = call.attrs as unknown as { transposeA?: boolean; transposeB?: boolean };
    const plan = planProduct(a.shape, b.shape, transposeA, transposeB);
    if (a.dtype !== "float32" || b.dtype !== "float32" || (plan.aligned && plan.work < LEAST_FOR_FAST)) return plain.kernelFunc(call);

    const out = backend.makeOutput([...plan.outer, plan.rows, plan.columns], "float32");
    if (plan.work * plan.pairs.length === 0) {
      numbersOf(backend, out).fill(0);
      return out;
    }
    const left = transposeA ? swapLastAxes(backend, a) : a;
    const compute = tf.util.sizeFromShape(b.shape) === plan.inner * plan.columns ? tall : pairByPair;
    compute(left, b, transposeB, out, plan);
    if (transposeA) backend.disposeData(left.dataId);
    return out;
  };
  return { ...plain, kernelFunc };
}

interface Product {
  readonly rows: number;
  readonly inner: number;
  readonly columns: number;
  /** The leading axes of the result. */
  readonly outer: number[];
  /** Which left and which right matrix make each matrix of the result. */
  readonly pairs: readonly (readonly [number, number])[];
  /** Whether there are several pairs and nothing is broadcast: the k-th left with the k-th right matrix. */
  readonly aligned: boolean;
  /** Multiply-adds in one pair. */
  readonly work: number;
}

/** Shapes of a product whose leading axes broadcast as NumPy's do. */
function planProduct(a: readonly number[], b: readonly number[], transposeA: boolean, transposeB: boolean): Product {
  const [rows, inner] = transposeA ? [a.at(-1)!, a.at(-2)!] : [a.at(-2)!, a.at(-1)!];
  const [innerB, columns] = transposeB ? [b.at(-1)!, b.at(-2)!] : [b.at(-2)!, b.at(-1)!];
  tf.util.assert(inner === innerB, () => `matMul: inner sizes ${inner} and ${innerB} of shapes [${a}] and [${b}] differ (transposeA ${transposeA}, transposeB ${transposeB})`);
  const outerA = a.slice(0, -2);
  const outerB = b.slice(0, -2);
  const outer = tf.broadcast_util.assertAndGetBroadcastShape(outerA, outerB);
  const indexA = broadcastIndex(outerA, outer);
  const indexB = broadcastIndex(outerB, outer);
  const count = tf.util.sizeFromShape(outer);
  return {
    rows,
    inner,
    columns,
    outer,
    pairs: Array.from({ length: count }, (_, k) => [indexA(k), indexB(k)] as const),
    aligned: count > 1 && tf.util.arraysEqual(outerA, outerB),
    work: rows * inner * columns,
  };
}

/** From a flat index over `outer` to the one over `shape` that broadcasts to it. */
function broadcastIndex(shape: readonly number[], outer: readonly number[]): (flat: number) => number {
  if (tf.util.arraysEqual([...shape], [...outer])) return (flat) => flat;
  const padded = [...Array<number>(outer.length - shape.length).fill(1), ...shape];
  return (flat) => {
    let index = 0;
    let stride = 1;
    for (let axis = outer.length - 1; axis >= 0; axis--) {
      const position = flat % outer[axis]!;
      flat = Math.floor(flat / outer[axis]!);
      if (padded[axis] === 1) continue;
      index += position * stride;
      stride *= padded[axis]!;
    }
    return index;
  };
}
