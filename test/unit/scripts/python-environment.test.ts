import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { pythonEnvironment } from "../../../scripts/python-environment.mjs";
import { tempFolder } from "../../fakes/temp-folder.js";

let cache: string;
let log: string;
let requirements: string;

/** A stand-in for Python that writes down what it is asked to install; an environment of it is a copy of it. */
const fake = (): string => `#!/bin/sh
case "$1 $2" in
  "-m venv") mkdir -p "$3/bin" && cp "$0" "$3/bin/python" ;;
  "-m pip") sleep 0.1; shift 3; echo "$@" >> "${log}"; case "$*" in *broken*) echo "no such package" >&2; exit 1 ;; esac ;;
  *) echo "(3, 12)" ;;
esac
`;

beforeEach(() => {
  const folder = tempFolder();
  [cache, log, requirements] = ["cache", "log", "requirements.txt"].map((name) => join(folder, name)) as [string, string, string];
  writeFileSync(requirements, "torch==1\nothers==2\n");
  const bin = join(folder, "bin");
  mkdirSync(bin);
  writeFileSync(join(bin, "python3"), fake());
  chmodSync(join(bin, "python3"), 0o755);
  vi.stubEnv("PATH", [bin, process.env.PATH].join(delimiter));
  vi.stubEnv("VERLET_CACHE", cache);
  vi.spyOn(process.stderr, "write").mockReturnValue(true);
});
afterEach(() => {
  vi.unstubAllEnvs();
  vi.restoreAllMocks();
});

const installed = (): string[] => (existsSync(log) ? readFileSync(log, "utf8").trim().split("\n") : []);
const options = "--quiet --disable-pip-version-check";

describe.skipIf(process.platform === "win32")("a Python environment", () => {
  test("is installed once, torch first, in a folder of its name and its requirements' hash; one that is there is used as it is", async () => {
    const [first, again] = await Promise.all([pythonEnvironment("bench", requirements), pythonEnvironment("bench", requirements)]);
    // sha256 of "torch==1\nothers==2\n(3, 12)"
    expect(first).toBe(join(cache, "bench-7c62a7e9dd61", "bin", "python"));
    expect(again).toBe(first);
    expect(await pythonEnvironment("bench", requirements)).toBe(first);
    expect(installed()).toEqual([`${options} torch==1`, `${options} others==2 torch==1`]);
    expect(readdirSync(cache)).toHaveLength(1);
    writeFileSync(requirements, "torch==1\nothers==3\n");
    expect(await pythonEnvironment("bench", requirements)).not.toBe(first);
  });

  test("that cannot be installed leaves nothing behind, and pip's words are the error", async () => {
    writeFileSync(requirements, "torch==1\nbroken==2\n");
    await expect(pythonEnvironment("interop", requirements)).rejects.toThrow(/^the Python environment .*interop-\w{12} could not be installed: no such package/);
    expect(readdirSync(cache)).toEqual([]);
  });

  test("a lock of a process that is gone is taken over", async () => {
    const made = await pythonEnvironment("a", requirements);
    const lock = `${join(cache, made!.split("/").at(-3)!.replace("a-", "b-"))}.lock`;
    writeFileSync(lock, "999999999");
    expect(await pythonEnvironment("b", requirements)).toContain("/b-");
    expect(existsSync(lock)).toBe(false);
  });

  test("without a Python there is none", async () => {
    vi.stubEnv("PATH", tempFolder());
    expect(await pythonEnvironment("bench", requirements)).toBeUndefined();
  });
});
