import { tf } from "./tf.js";

export interface MemorySnapshot {
  /** Tensors that TensorFlow.js knows of. */
  readonly tensors: number;
  /** Their bytes. */
  readonly tensorBytes: number;
  /** Handles held in libtensorflow, raw ones included; on native backends alone. */
  readonly nativeTensors?: number;
  /** Size of the WebAssembly memory, which never shrinks; on wasm alone. */
  readonly wasmBytes?: number;
  /** Resident memory of the process. */
  readonly residentBytes: number;
}

interface Inspectable {
  getNumOfTFTensors?(): number;
  wasm?: { HEAPU8: Uint8Array };
}

/** What is held at this moment: two of them a few steps apart show a leak. */
export function memorySnapshot(): MemorySnapshot {
  const { numTensors, numBytes } = tf.memory();
  const backend = tf.backend() as unknown as Inspectable;
  return {
    tensors: numTensors,
    tensorBytes: numBytes,
    ...(backend.getNumOfTFTensors && { nativeTensors: backend.getNumOfTFTensors() }),
    ...(backend.wasm && { wasmBytes: backend.wasm.HEAPU8.length }),
    residentBytes: process.memoryUsage.rss(),
  };
}
