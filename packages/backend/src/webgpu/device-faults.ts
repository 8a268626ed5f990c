import { BackendError } from "@verlet/core";
import type { GpuDevice } from "./gpu-types.js";

/**
 * What went wrong on the device. A command that WebGPU refuses leaves its output as it was and the program running, so
 * the first fault is kept and thrown by the next read, before a wrong number is used.
 */
export class DeviceFaults {
  #first: string | undefined;

  constructor(device: GpuDevice) {
    device.onuncapturederror = ({ error }) => void (this.#first ??= error.message);
    void device.lost.then(({ reason, message }) => void (this.#first ??= `the device was lost (${reason}): ${message}`));
  }

  /** @throws BackendError with the first fault */
  check(): void {
    if (this.#first !== undefined) throw fault(this.#first);
  }
}

export const fault = (message: string): BackendError =>
  new BackendError({
    where: "backend: webgpu",
    what: "the GPU did not carry out a command, so numbers after it cannot be trusted",
    got: message.trim().split("\n").slice(0, 4).join(" "),
    fix: "If memory ran out, make trainer.microBatchSize smaller; else train on another backend (backend: native or wasm)",
  });
