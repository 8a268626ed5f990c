/** The parts of the WebAssembly backend that kernels of our own are written on. */
import { tf } from "../tf.js";

/** TensorFlow.js's handle of a tensor's data. */
export type DataId = object;

export interface TensorData {
  readonly id: number;
  /** Byte address in the WebAssembly memory. */
  readonly memoryOffset: number;
}

export interface WasmBackend {
  readonly wasm: {
    readonly HEAPU8: Uint8Array;
    cwrap(name: string, result: null, parameters: readonly ("number" | "array")[]): (...values: (number | Uint8Array)[]) => void;
    readonly tfjs: { registerTensor(id: number, size: number, offset: number): void; disposeData(id: number): void };
  };
  readonly dataIdMap: { get(id: DataId): TensorData };
  dataIdNextNumber: number;
  makeOutput(shape: number[], dtype: tf.DataType): tf.TensorInfo;
  disposeData(id: DataId, force?: boolean): boolean;
  incRef(id: DataId): void;
}

export const wasmBackend = (): WasmBackend => tf.backend() as unknown as WasmBackend;

/**
 * A tensor's numbers where they lie. Take it after the kernel's last allocation: growing the memory detaches it.
 */
export function numbersOf(backend: WasmBackend, { dataId, shape, dtype }: tf.TensorInfo): Float32Array | Int32Array | Uint8Array {
  const { memoryOffset } = backend.dataIdMap.get(dataId);
  const size = tf.util.sizeFromShape(shape);
  const { buffer } = backend.wasm.HEAPU8;
  if (dtype === "float32") return new Float32Array(buffer, memoryOffset, size);
  return dtype === "bool" ? new Uint8Array(buffer, memoryOffset, size) : new Int32Array(buffer, memoryOffset, size);
}

/** Swaps the last two axes with the backend's own kernel. The caller frees the result. */
export function swapLastAxes(backend: WasmBackend, x: tf.TensorInfo): tf.TensorInfo {
  const rank = x.shape.length;
  const perm = [...x.shape.keys()].slice(0, rank - 2).concat([rank - 1, rank - 2]);
  const { kernelFunc } = tf.getKernel("Transpose", "wasm");
  return kernelFunc({ inputs: { x }, backend: backend as unknown as tf.KernelBackend, attrs: { perm } }) as tf.TensorInfo;
}
