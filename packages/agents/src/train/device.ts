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
  /** Of the processor, where it computes on those. */
  threads?: number;
  cpuCores: number;
  memoryGb: number;
}

/** The backend in use, or where none is the fastest that works. @throws BackendError where none does. */
export async function currentBackend(): Promise<BackendInfo> {
  return activeBackend() ?? (await selectBackend("auto"));
}

/** What runs here. @throws BackendError where no backend works. */
export async function getDeviceInfo(): Promise<DeviceInfo> {
  const info = await currentBackend();
  return { device: deviceOf(info.name), backend: info.name, deviceName: info.device, threads: info.threads, cpuCores: availableParallelism(), memoryGb: Math.round((totalmem() / 2 ** 30) * 10) / 10 };
}
