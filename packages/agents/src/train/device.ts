/** What computes, under the documents' names. */
import { availableParallelism, totalmem } from "node:os";
import { activeBackend, selectBackend, type BackendInfo } from "@verlet/backend";

export type Device = "cuda" | "webgpu" | "cpu";

/** A backend as the documents' `device` names it. */
export function deviceOf(backend: string): Device {
  const [name, device] = [backend, activeBackend()?.name === backend ? (activeBackend()?.device ?? "") : ""];
  if (name === "webgpu") return "webgpu";
  return name === "tfjs-node-gpu" || /nvidia|geforce|tesla|\bgpu\b/i.test(device) ? "cuda" : "cpu";
}

export interface DeviceInfo {
  device: Device;
  /** As `verlet doctor` names it. */
  backend: string;
  /** The processor's or the graphics card's name. */
  deviceName: string;
  threads: number;
  cpuCores: number;
  memoryGb: number;
}

/** What runs here; without a backend in use yet, the fastest that works is chosen. @throws BackendError where none does. */
export async function getDeviceInfo(): Promise<DeviceInfo> {
  const info: BackendInfo = activeBackend() ?? (await selectBackend("auto"));
  return { device: deviceOf(info.name), backend: info.name, deviceName: info.device, threads: info.threads, cpuCores: availableParallelism(), memoryGb: Math.round((totalmem() / 2 ** 30) * 10) / 10 };
}
