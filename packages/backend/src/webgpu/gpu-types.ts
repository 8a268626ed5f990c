/** The parts of WebGPU, and of TensorFlow.js's backend on it, that verlet is written on. */
import type { tf } from "../tf.js";

export interface Gpu {
  requestAdapter(options?: { powerPreference?: "high-performance" | "low-power" }): Promise<GpuAdapter | null>;
}

export interface GpuAdapter {
  readonly info: AdapterInfo;
  readonly features: ReadonlySet<string>;
  /** A host object: its values are getters, not own properties. */
  readonly limits: Readonly<Record<string, number>>;
  requestDevice(options: { requiredFeatures: string[]; requiredLimits: Record<string, number> }): Promise<GpuDevice>;
}

export interface AdapterInfo {
  readonly vendor: string;
  readonly architecture: string;
  readonly device: string;
  readonly description: string;
  /** True where the processor computes. */
  readonly isFallbackAdapter?: boolean;
}

export interface GpuDevice {
  readonly limits: Readonly<Record<string, number>>;
  readonly lost: Promise<{ readonly reason: string; readonly message: string }>;
  createBuffer(options: { size: number; usage: number; mappedAtCreation: boolean }): GpuBuffer;
  onuncapturederror: ((event: { readonly error: { readonly message: string } }) => void) | null;
}

export interface GpuBuffer {
  readonly size: number;
  readonly usage: number;
  readonly mapState: "unmapped" | "pending" | "mapped";
  mapAsync(mode: number): Promise<void>;
  getMappedRange(): ArrayBuffer;
  unmap(): void;
  destroy(): void;
}

/** GPUBufferUsage and GPUMapMode, fixed by the specification. */
export const COPY_TO = 0x0008;
export const MAP_READ = 0x0001;
export const READ = 0x0001;

/** TensorFlow.js's handle of a tensor's data. */
export type DataId = object;

export interface TensorData {
  readonly dtype: tf.DataType;
  readonly shape: number[];
  /** On the host, until they are on the device. */
  values?: tf.BackendValues | null;
  readonly resource?: GpuBuffer | null;
}

/** One compute shader, in the form TensorFlow.js's backend compiles and runs. */
export interface Program {
  outputShape: number[];
  shaderKey: string;
  dispatchLayout: { x: number[] };
  dispatch: [number, number, number];
  variableNames: string[];
  workgroupSize: [number, number, number];
  /** Declares `uniforms.size`, the number of outputs. */
  size?: boolean;
  getUserCode(): string;
}

/** TensorFlow.js's WebGPUBackend. */
export interface WebgpuBackend extends tf.KernelBackend {
  readonly device: GpuDevice;
  readonly tensorMap: { get(id: DataId): TensorData };
  bufferManager: BufferManager;
  readonly commandEncoder: { copyBufferToBuffer(from: GpuBuffer, fromOffset: number, to: GpuBuffer, toOffset: number, size: number): void } | null;
  ensureCommandEncoderReady(): void;
  endComputePassEncoder(): void;
  submitQueue(): void;
  read(id: DataId): Promise<tf.BackendValues>;
  readSync(id: DataId): tf.BackendValues;
  runWebGPUProgram(program: Program, inputs: tf.TensorInfo[], dtype: tf.DataType): tf.TensorInfo;
  disposeData(id: DataId, force?: boolean): boolean;
  shouldExecuteOnCPU(inputs: tf.TensorInfo[]): boolean;
}

export interface BufferManager {
  readonly numBytesUsed: number;
  readonly numBytesAllocated: number;
  acquireBuffer(size: number, usage: number, mappedAtCreation?: boolean, reuse?: boolean): GpuBuffer;
  releaseBuffer(buffer: GpuBuffer, reuse?: boolean): void;
  getNumUsedBuffers(): number;
  getNumFreeBuffers(): number;
  dispose(): void;
}
