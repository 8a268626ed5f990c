import { afterAll, beforeAll, describe } from "vitest";
import { selectBackend, tf, useGraphs, type BackendName } from "@verlet/backend";
import { preferSoftwareWebgpu } from "./software-webgpu.js";

/** Why a backend that trains cannot be had on this machine, by name. */
export const absentBackends = new Map<BackendName, string>();

/** The backends to train on that this machine has, the faster first. */
export const trainingBackends: BackendName[] = [];

for (const name of ["native", "wasm"] as const) {
  const reason = await whyAbsent(name);
  if (reason === undefined) trainingBackends.push(name);
  else absentBackends.set(name, reason);
}

export async function useBackend(name: BackendName): Promise<void> {
  await selectBackend(name);
  // Small tensors would be computed on the host, and the shaders that others take would go untested.
  if (name === "webgpu") tf.env().set("WEBGPU_CPU_FORWARD", false);
}

/** One suite on each training backend; on an absent one it is skipped under its name with the reason. */
export function describeOnBackends(title: string, body: (name: BackendName) => void): void {
  for (const name of trainingBackends) describeOn(name, `${title} [${name}]`, body);
  for (const [name, reason] of absentBackends) describeAbsent(name, reason, title, body);
}

/** The same, and on WebGPU: for suites that software computes in seconds. */
export async function describeOnBackendsAndWebgpu(title: string, body: (name: BackendName) => void): Promise<void> {
  describeOnBackends(title, body);
  await describeOnWebgpu(title, body);
}

/** One suite on each training backend, and on native with `trainer.compile` off. */
export function describeWithAndWithoutGraphs(title: string, body: (name: BackendName) => void): void {
  describeOnBackends(title, body);
  describeOpByOp(title, body);
}

/** The same, and on WebGPU: golden numbers hold however they are computed. */
export async function describeEverywhere(title: string, body: (name: BackendName) => void): Promise<void> {
  describeWithAndWithoutGraphs(title, body);
  await describeOnWebgpu(title, body);
}

/** Of many cases, those that WebGPU computes in software too; the other backends compute all. */
export const casesOn = <T>(name: BackendName, cases: readonly T[], representative: (each: T) => boolean): T[] => cases.filter((each) => name !== "webgpu" || representative(each));

function describeOpByOp(title: string, body: (name: BackendName) => void): void {
  if (!trainingBackends.includes("native")) return;
  describe(`${title} [native, compile off]`, () => {
    beforeAll(async () => {
      await useBackend("native");
      useGraphs(false);
    });
    afterAll(() => useGraphs(true));
    body("native");
  });
}

/** One suite on WebGPU, in software by choice. Where continuous integration lacks it, that is a failure. */
export async function describeOnWebgpu(title: string, body: (name: BackendName) => void): Promise<void> {
  preferSoftwareWebgpu();
  const reason = await whyAbsent("webgpu");
  if (reason === undefined) return describeOn("webgpu", `${title} [webgpu]`, body);
  const remedy = `${reason} In software: node scripts/software-webgpu.mjs`;
  if (process.env["CI"]) throw new Error(`WebGPU has to be tested here. ${remedy}`);
  describeAbsent("webgpu", remedy, title, body);
}

/** One suite on the fastest backend, for what does not depend on the backend or would take long on each. */
export function describeOnOneBackend(title: string, body: (name: BackendName) => void): void {
  describeOn(trainingBackends[0]!, title, body);
}

function describeOn(name: BackendName, title: string, body: (name: BackendName) => void): void {
  describe(title, () => {
    beforeAll(() => useBackend(name));
    body(name);
  });
}

function describeAbsent(name: BackendName, reason: string, title: string, body: (name: BackendName) => void): void {
  describe.skip(`${title} [${name} is not here: ${reason}]`, () => body(name));
}

async function whyAbsent(name: BackendName): Promise<string | undefined> {
  try {
    await selectBackend(name);
    return undefined;
  } catch (error) {
    return (error as Error).message.split("\n")[0]!;
  }
}
