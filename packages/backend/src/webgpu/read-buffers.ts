/** Reading tensors back from the device: at once, or between rounds of the event loop. */
import { tf } from "../tf.js";
import type { DawnEvents } from "./dawn-events.js";
import { fault, type DeviceFaults } from "./device-faults.js";
import { COPY_TO, MAP_READ, READ, type DataId, type GpuBuffer, type TensorData, type WebgpuBackend } from "./gpu-types.js";

/**
 * Puts verlet's reads in the place of the backend's, whose synchronous one draws on a browser's canvas. What is read is
 * not kept on the host beside the device's copy.
 */
export function readWithEvents(backend: WebgpuBackend, events: DawnEvents, faults: DeviceFaults): void {
  const plain = { read: backend.read.bind(backend), readSync: backend.readSync.bind(backend) };
  backend.readSync = (id) => {
    const data = onDevice(backend, id);
    if (!data) return plain.readSync(id);
    const { staging, mapping } = startRead(backend, events, data.resource);
    mapping.catch(() => undefined); // told by the state of the buffer
    events.block(() => staging.mapState !== "pending");
    return finishRead(backend, faults, staging, data);
  };
  backend.read = async (id) => {
    const data = onDevice(backend, id);
    if (!data) return plain.read(id);
    const { staging, mapping } = startRead(backend, events, data.resource);
    await events.settle(mapping).catch(() => undefined);
    return finishRead(backend, faults, staging, data);
  };
}

type OnDevice = TensorData & { readonly resource: GpuBuffer };

/** Numbers that are on the device alone; complex ones are read in two parts by the backend. */
function onDevice(backend: WebgpuBackend, id: DataId): OnDevice | undefined {
  const data = backend.tensorMap.get(id);
  return data.values || !data.resource || data.dtype === "complex64" ? undefined : (data as OnDevice);
}

function startRead(backend: WebgpuBackend, events: DawnEvents, buffer: GpuBuffer): { staging: GpuBuffer; mapping: Promise<void> } {
  const staging = backend.bufferManager.acquireBuffer(buffer.size, COPY_TO | MAP_READ);
  backend.ensureCommandEncoderReady();
  backend.endComputePassEncoder();
  backend.commandEncoder!.copyBufferToBuffer(buffer, 0, staging, 0, buffer.size);
  backend.submitQueue();
  return { staging, mapping: events.call(() => staging.mapAsync(READ)) };
}

/** @throws BackendError where the device refused a command since the last read, or the read itself */
function finishRead(backend: WebgpuBackend, faults: DeviceFaults, staging: GpuBuffer, { dtype, shape }: OnDevice): tf.BackendValues {
  faults.check();
  if (staging.mapState !== "mapped") throw fault("a buffer could not be read back");
  const bytes = staging.getMappedRange().slice(0, BYTES * tf.util.sizeFromShape(shape));
  staging.unmap();
  backend.bufferManager.releaseBuffer(staging);
  return tf.util.convertBackendValuesAndArrayBuffer(bytes, dtype as "float32");
}

/** Of a number of any type: booleans are i32 on the device. */
const BYTES = 4;
