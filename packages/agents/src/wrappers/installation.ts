/** What the documents ask of an installation, answered for verlet: it needs no TRL, and trains on what is here. */
import { BackendError } from "@verlet/core";
import { backendOrder, type BackendInfo } from "@verlet/backend";
import { currentBackend } from "../train/device.js";

/** verlet trains by itself: training needs nothing that `npm install` does not bring. */
export const TRAINING_AVAILABLE = true;
/** The same under the documents' name; TRL is not needed. */
export const TRL_AVAILABLE = TRAINING_AVAILABLE;

/** Whether a backend starts here. TRL, after which the documents' function asks, is not needed. */
export async function checkInstallation(): Promise<boolean> {
  try {
    await currentBackend();
    return true;
  } catch (error) {
    if (error instanceof BackendError) return false;
    throw error;
  }
}

export const checkTrlInstallation = checkInstallation;

/** What training runs on here, and each faster backend with what it lacks and the command that brings it. @throws BackendError */
export async function getInstallationGuide(): Promise<string> {
  const { name, tensorflowVersion, device, threads, passedOver } = await currentBackend();
  const version = tensorflowVersion === undefined ? "" : `, TensorFlow ${tensorflowVersion}`;
  const cores = threads === undefined ? "" : `, ${threads} ${threads === 1 ? "thread" : "threads"}`;
  const lines = [
    "verlet needs neither TRL nor Python.",
    `Training runs on backend ${name}${version}, on ${device}${cores}.`,
    ...passedOver.map(({ name: faster, why, fix }) => `Faster would be ${faster}: ${why}${fix === undefined ? "" : `. To change it: ${fix}`}`),
    ...untried(name, passedOver),
  ];
  return lines.join("\n");
}

/** A backend that was asked for by name says nothing of the faster ones. */
function untried(name: string, passedOver: BackendInfo["passedOver"]): string[] {
  const at = (backendOrder as readonly string[]).indexOf(name);
  const faster = backendOrder.slice(0, Math.max(at, 0)).filter((one) => !passedOver.some((known) => known.name === one));
  return faster.length === 0 ? [] : [`Not tried: ${faster.join(", ")}. npx verlet doctor says whether they work, npx verlet setup brings the native one.`];
}
