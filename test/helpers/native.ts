import { beforeAll, describe } from "vitest";
import { absentBackends, useBackend } from "./backends.js";

/** Why the native backend cannot be used on this machine; undefined where it can. */
export const nativeAbsent: string | undefined = absentBackends.get("native");

/** A suite for the native backend alone, skipped under its name with the reason where it is not set up. */
export function describeNative(title: string, body: () => void): void {
  if (nativeAbsent === undefined) describe(title, body);
  else describe.skip(`${title} [native is not here: ${nativeAbsent}]`, body);
}

/** A suite for models of `computeDtype: bfloat16`. */
export function describeInBfloat16(title: string, body: () => void): void {
  describeNative(`${title} [native, bfloat16]`, () => {
    beforeAll(() => useBackend("native"));
    body();
  });
}
