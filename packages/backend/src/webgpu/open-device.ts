import { createRequire } from "node:module";
import { tf } from "../tf.js";
import { BufferPool } from "./buffer-pool.js";
import { DawnEvents } from "./dawn-events.js";
import type { DawnPackage } from "./dawn-package.js";
import { DeviceFaults } from "./device-faults.js";
import type { AdapterInfo, GpuAdapter, GpuDevice, WebgpuBackend } from "./gpu-types.js";
import { readWithEvents } from "./read-buffers.js";
import { registerWebgpuKernels } from "./register-kernels.js";

/** What a device computes on. */
export interface Adapter {
  readonly name: string;
  /** True where the processor computes, as in SwiftShader and lavapipe. */
  readonly software: boolean;
  readonly limits: Readonly<Record<(typeof limits)[number], number>>;
}

/** What the shaders need more of than WebGPU grants unasked. */
const limits = [
  "maxBufferSize",
  "maxStorageBufferBindingSize",
  "maxStorageBuffersPerShaderStage",
  "maxComputeWorkgroupStorageSize",
  "maxComputeInvocationsPerWorkgroup",
  "maxComputeWorkgroupSizeX",
  "maxComputeWorkgroupsPerDimension",
] as const;

/** An adapter whose device is opened when it is taken. */
export interface FoundAdapter {
  readonly adapter: Adapter;
  /** Registers TensorFlow.js's backend `webgpu` on a device of it. */
  open(): Promise<void>;
}

/** @returns the adapter that WebGPU thinks fastest, or nothing where there is none */
export async function findAdapter({ create, globals }: DawnPackage): Promise<FoundAdapter | undefined> {
  Object.assign(globalThis, globals); // the backend names GPUBuffer, GPUBufferUsage … as globals
  const events = new DawnEvents();
  const gpu = create([]);
  const found = await events.settle(events.call(() => gpu.requestAdapter({ powerPreference: "high-performance" })));
  if (!found) return undefined;
  const adapter = { name: nameOf(found.info), software: found.info.isFallbackAdapter ?? false, limits: limitsOf(found) };
  return {
    adapter,
    open: async () => {
      const features = ["timestamp-query"].filter((name) => found.features.has(name));
      const device = await events.settle(events.call(() => found.requestDevice({ requiredFeatures: features, requiredLimits: { ...adapter.limits } })));
      const backend = makeBackend(device, found.info);
      backend.bufferManager = new BufferPool(device);
      readWithEvents(backend, events, new DeviceFaults(device));
      tf.registerBackend("webgpu", () => backend, 3);
      registerWebgpuKernels();
    },
  };
}

/** e.g. `swiftshader-device-subzero (SwiftShader driver 5.0.0)`: WebGPU writes a device's name in lower case with dashes. */
function nameOf({ device, description, vendor, architecture }: AdapterInfo): string {
  const name = device.replace(/-+$/, "") || [vendor, architecture].filter(Boolean).join(" ") || "an unnamed adapter";
  return description ? `${name} (${description})` : name;
}

const limitsOf = ({ limits: all }: GpuAdapter): Adapter["limits"] => Object.fromEntries(limits.map((name) => [name, all[name]!])) as Adapter["limits"];

interface BackendModule {
  WebGPUBackend: new (device: GpuDevice, info: AdapterInfo) => WebgpuBackend;
}

/**
 * Loads TensorFlow.js's backend, with its kernels, while there is no `navigator.gpu`: else it would open a device of its
 * own. Its constructor wants to see `navigator.gpu`; nothing else does, so it is there no longer than that.
 */
function makeBackend(device: GpuDevice, info: AdapterInfo): WebgpuBackend {
  const { WebGPUBackend } = createRequire(import.meta.url)("@tensorflow/tfjs-backend-webgpu") as BackendModule;
  const before = Object.getOwnPropertyDescriptor(globalThis, "navigator");
  Object.defineProperty(globalThis, "navigator", { value: { gpu: true }, configurable: true });
  try {
    return new WebGPUBackend(device, info);
  } finally {
    if (before) Object.defineProperty(globalThis, "navigator", before);
    else delete (globalThis as { navigator?: unknown }).navigator;
  }
}
