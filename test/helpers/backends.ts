import { beforeAll, describe } from "vitest";
import { selectBackend, type BackendName } from "@verlet/backend";

/** Why a backend that trains cannot be had on this machine, by name. */
export const absentBackends = new Map<BackendName, string>();

/** The backends to train on that this machine has, the faster first. */
export const trainingBackends: BackendName[] = [];

for (const name of ["native", "wasm"] as const) {
  try {
    await selectBackend(name);
    trainingBackends.push(name);
  } catch (error) {
    absentBackends.set(name, (error as Error).message.split("\n")[0]!);
  }
}

export async function useBackend(name: BackendName): Promise<void> {
  await selectBackend(name);
}

/** One suite on each training backend; on an absent one it is skipped under its name with the reason. */
export function describeOnBackends(title: string, body: (name: BackendName) => void): void {
  for (const name of trainingBackends) describeOn(name, `${title} [${name}]`, body);
  for (const [name, reason] of absentBackends) describe.skip(`${title} [${name} is not here: ${reason}]`, () => body(name));
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
