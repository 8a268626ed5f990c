import { cpus } from "node:os";

/** The backends in the order `auto` tries them. */
export const backendOrder = ["tfjs-node-gpu", "native", "tfjs-node", "webgpu", "wasm", "cpu"] as const;
export type ConcreteBackend = (typeof backendOrder)[number];
export type BackendName = ConcreteBackend | "auto";

export interface Opened {
  /** Version of libtensorflow, where there is one. */
  readonly tensorflowVersion?: string;
  /** What computes, e.g. the processor's model. */
  readonly device: string;
  /** Of the processor, where it computes on those. */
  readonly threads?: number;
  /** What a GPU grants, e.g. `maxBufferSize` in bytes; on webgpu. */
  readonly limits?: Readonly<Record<string, number>>;
  /** What a faster form of this backend lacks. */
  readonly passedOver?: PassedOver;
}

export interface Unavailable {
  readonly why: string;
  /** The one command that would change it. */
  readonly fix?: string;
}

export interface PassedOver extends Unavailable {
  readonly name: string;
}

export interface OpenRequest {
  /** Whether the user asked for this one. */
  readonly named: boolean;
  /** Whether most products will be verlet's own, in bfloat16 or of layers with adapters. */
  readonly ownProducts?: boolean;
}

/** One way to run TensorFlow. */
export interface Candidate {
  readonly name: ConcreteBackend;
  /** Makes it the backend in use, or says why it cannot be. Does not throw for what a user can lack. */
  open(request: OpenRequest): Promise<Opened | Unavailable>;
}

export const isUnavailable = <T extends Unavailable>(result: object | T): result is T => "why" in result;

export const processorName = (): string => cpus()[0]?.model.trim() || process.arch;

export const firstLine = (error: unknown): string => (error instanceof Error ? error.message : String(error)).trim().split("\n")[0]!;
