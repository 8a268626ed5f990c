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

const bytes = (shape: readonly number[]): Uint8Array => new Uint8Array(Int32Array.from(shape).buffer);

/** Makes the kernel for one backend instance. `plain` is the kernel it takes the place of. */
export function batchMatMulKernel(backend: WasmBackend, plain: tf.KernelConfig): tf.KernelConfig {
  const multiply = backend.wasm.cwrap("BatchMatMul", null, ["number", "array", "number", "number", "array", "number", "number", "number", "number"]);
  const operands = new RightOperands(backend);

  /** out = a·b for row-major matrices at registered ids. */
  const product = (a: number, b: number, out: number, left: Uint8Array, right: Uint8Array): void => multiply(a, left, 3, b, right, 3, 0, 0, out);

  return {
    ...plain,
    kernelFunc: (call) => {
      const a = call.inputs["a"]!;
      const b = call.inputs["b"]!;
      const { transposeA = false, transposeB = false } = call.attrs as unknown as { transposeA?: boolean; transposeB?: boolean };
      const { rows, inner, columns, outer, pairs } = planProduct(a.shape, b.shape, transposeA, transposeB);
      const sameBatches = a.shape.length === b.shape.length && a.shape.slice(0, -2).every((size, i) => size === b.shape[i]);
      if (a.dtype !== "float32" || b.dtype !== "float32" || (sameBatches && pairs.length > 1 && rows * inner * columns < LEAST_FOR_FAST)) {
        return plain.kernelFunc(call);
      }

      const out = backend.makeOutput([...outer, rows, columns], "float32");
      const offset = (x: tf.TensorInfo): number => backend.dataIdMap.get(x.dataId).memoryOffset;
      if (rows * inner * columns * pairs.length === 0) {
        numbersOf(backend, out).fill(0);
        return out;
      }
      const left = transposeA ? swapLastAxes(backend, a) : a;
      const oneRight = tf.util.sizeFromShape(b.shape) === inner * columns;
      if (oneRight) {
        // All left matrices lie below each other: one tall product.
        const right = operands.take(b, transposeB, inner, columns);
        const height = rows * pairs.length;
        const aView = operands.view(offset(left), height * inner);
        const outView = operands.view(offset(out), height * columns);
        product(aView, right.id, outView, bytes([1, height, inner]), bytes([1, inner, columns]));
        operands.drop(aView);
        operands.drop(outView);
        right.release();
      } else {
        const right = transposeB ? swapLastAxes(backend, b) : b;
        const leftShape = bytes([1, rows, inner]);
        const rightShape = bytes([1, inner, columns]);
        pairs.forEach(([i, j], k) => {
          const aView = operands.view(offset(left) + 4 * i * rows * inner, rows * inner);
          const bView = operands.view(offset(right) + 4 * j * inner * columns, inner * columns);
          const outView = operands.view(offset(out) + 4 * k * rows * columns, rows * columns);
          product(aView, bView, outView, leftShape, rightShape);
          for (const view of [aView, bView, outView]) operands.drop(view);
        });
        if (transposeB) backend.disposeData(right.dataId);
      }
      if (transposeA) backend.disposeData(left.dataId);
      return out;
    },
  };
}

interface Product {
  readonly rows: number;
  readonly inner: number;
  readonly columns: number;
  /** The leading axes of the result. */
  readonly outer: number[];
  /** Which left and which right matrix make each matrix of the result. */
  readonly pairs: readonly (readonly [number, number])[];
}

/** Shapes of a product whose leading axes broadcast as NumPy's do. */
export function planProduct(a: readonly number[], b: readonly number[], transposeA: boolean, transposeB: boolean): Product {
  const [rows, inner] = transposeA ? [a.at(-1)!, a.at(-2)!] : [a.at(-2)!, a.at(-1)!];
  const [innerB, columns] = transposeB ? [b.at(-1)!, b.at(-2)!] : [b.at(-2)!, b.at(-1)!];
  tf.util.assert(inner === innerB, () => `matMul: inner sizes ${inner} and ${innerB} of shapes [${a}] and [${b}] differ (transposeA ${transposeA}, transposeB ${transposeB})`);
  const outerA = a.slice(0, -2);
  const outerB = b.slice(0, -2);
  const outer = tf.broadcast_util.assertAndGetBroadcastShape(outerA, outerB);
  const indexA = broadcastIndex(outerA, outer);
  const indexB = broadcastIndex(outerB, outer);
  const count = tf.util.sizeFromShape(outer);
  return { rows, inner, columns, outer, pairs: Array.from({ length: count }, (_, k) => [indexA(k), indexB(k)] as const) };
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
