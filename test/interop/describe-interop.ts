import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe } from "vitest";
import { pythonEnvironment, runPython } from "./python-environment.js";

export interface Interop {
  /** A new folder, removed after the suite. */
  folder: string;
  /** Runs a script of this folder with one JSON argument. */
  python<T>(script: string, argument: object): Promise<T>;
}

const { python, missing } = await pythonEnvironment();

/** A suite that needs Python's libraries; without Python it is skipped, and its name says why. */
export function describeInterop(name: string, body: (interop: Interop) => void): void {
  describe.skipIf(missing)(missing ? `${name} (skipped: ${missing})` : name, () => {
    const folder = mkdtempSync(join(tmpdir(), "verlet-interop-"));
    afterAll(() => rmSync(folder, { recursive: true, force: true }));
    body({ folder, python: (script, argument) => runPython(python!, script, argument) });
  });
}
