import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { isComplete, nativeFolder, setupNative, TENSORFLOW_VERSION } from "@verlet/backend";
import { BackendError } from "@verlet/core";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { wheels } from "../../../packages/backend/dist/native/releases.js";
import { LAYOUT } from "../../../packages/backend/dist/native/native-cache.js";
import { buildAddon } from "../../../packages/backend/dist/setup/build-addon.js";
import { runCommand, type CommandResult, type RunCommand } from "../../../packages/backend/dist/setup/command.js";
import { cudaRequirements } from "../../../packages/backend/dist/setup/cuda-libraries.js";
import { downloadWheel } from "../../../packages/backend/dist/setup/download.js";
import { lineProgress, terminalProgress } from "../../../packages/backend/dist/setup/progress.js";
import { putInPlace } from "../../../packages/backend/dist/setup/put-in-place.js";
import { tryOut } from "../../../packages/backend/dist/setup/try-out.js";
import { unpack } from "../../../packages/backend/dist/setup/unpack.js";

const fine: CommandResult = { code: 0, stdout: "", stderr: "" };
const absent: CommandResult = { code: 127, stdout: "", stderr: "not found" };

/** A machine on which the named programs are absent, everything else succeeds, and pip's download is as given. */
const machine =
  ({ without = [], pip = absent, download }: { without?: string[]; pip?: CommandResult; download?: (folder: string) => Promise<unknown> }): RunCommand =>
  async (program, args) => {
    if (without.includes(program) || (without.includes("pip") && args.join(" ").includes("import pip"))) return absent;
    if (!args.includes("download")) return fine;
    if (!download) return pip;
    await download(args[args.indexOf("--dest") + 1]!);
    return fine;
  };

let cache: string;
const lines: string[] = [];
const log = (line: string): void => void lines.push(line);
const attempt = (run: RunCommand, options: { gpu?: boolean; force?: boolean } = {}): Promise<unknown> => setupNative({ cache, gpu: false, run, log, ...options });

beforeEach(async () => {
  cache = await mkdtemp(join(tmpdir(), "verlet-setup-"));
  lines.length = 0;
});
afterEach(() => rm(cache, { recursive: true }));

const isLinux = process.platform === "linux" && process.arch === "x64";

describe.skipIf(!isLinux)("what is missing [skipped off linux-x64, where there is no native build]", () => {
  it("Python", async () => {
    const failed = attempt(machine({ without: ["python3", "python"] }));
    await expect(failed).rejects.toBeInstanceOf(BackendError);
    await expect(failed).rejects.toThrow(
      "[verlet setup] the native backend cannot be built here: got no Python 3 (python3 or python), expected Python 3 with pip, a C++ compiler and npm. " +
        "Install what is missing (Debian, Ubuntu: apt-get install -y python3 python3-pip; Fedora, RHEL: dnf install -y python3 python3-pip; Homebrew: brew install python) " +
        "and run npx verlet setup again, or train without it on wasm.",
    );
  });

  it("pip", async () => {
    await expect(attempt(machine({ without: ["pip"] }))).rejects.toThrow(/got no pip \(python3 -m pip\), .*apt-get install -y python3-pip;/);
  });

  it("a compiler", async () => {
    await expect(attempt(machine({ without: ["g++", "c++", "clang++", process.env["CXX"] ?? "g++"] }))).rejects.toThrow(
      /got no C\+\+ compiler \(g\+\+, c\+\+ or clang\+\+\), .*apt-get install -y g\+\+; .*dnf install -y gcc-c\+\+; .*brew install gcc\)/,
    );
  });

  it("several at once", async () => {
    await expect(attempt(machine({ without: ["python3", "python", "npm"] }))).rejects.toThrow(/no Python 3 \(python3 or python\) and no npm, .*apt-get install -y python3 python3-pip npm;/);
  });
});

describe.skipIf(!isLinux)("a set-up that fails [skipped off linux-x64, where there is no native build]", () => {
  const remains = async (): Promise<string[]> => readdir(join(cache, "native"));

  it("in the download tells pip's words and leaves nothing", async () => {
    const pip = { code: 1, stdout: "", stderr: "ERROR: Could not find a version\nERROR: No matching distribution\n" };
    await expect(attempt(machine({ pip }))).rejects.toThrow(
      "[verlet setup] pip could not download tensorflow-cpu==2.21.0: got exit status 1: ERROR: Could not find a version | ERROR: No matching distribution. Look at the network",
    );
    expect(await remains()).toEqual([]);
  });

  it("the check of the hash tells both hashes and leaves nothing", async () => {
    const download = (folder: string): Promise<void> => writeFile(join(folder, "tensorflow_cpu-2.21.0.whl"), "something else");
    const failed = attempt(machine({ download }));
    await expect(failed).rejects.toThrow(
      "the downloaded file of tensorflow-cpu==2.21.0 is not the one verlet was made for: " +
        `got sha256 ${createHash("sha256").update("something else").digest("hex")}, expected dcc8afd32930e42d5296b6ee19078b773706830af4ea97fbe503b9f5e0f820cb.`,
    );
    await expect(failed).rejects.toThrow("Nothing was installed.");
    expect(await remains()).toEqual([]);
  });

  it("by being killed is cleaned up after, and never looks finished", async () => {
    const native = join(cache, "native");
    // No process has the id 2^22 + 1: Linux ends at 2^22.
    const abandoned = join(native, `.setup-${hostname()}-4194305-abc`);
    const working = join(native, `.setup-${hostname()}-${process.pid}-def`);
    await mkdir(join(abandoned, "made"), { recursive: true });
    await mkdir(working);
    await expect(attempt(machine({}))).rejects.toThrow("pip could not download");
    expect(existsSync(abandoned)).toBe(false);
    expect(existsSync(working)).toBe(true);
    expect(existsSync(nativeFolder("cpu", cache))).toBe(false);
  });
});

async function finished(folder: string, mark: string): Promise<string> {
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, "tfjs_binding.node"), mark);
  await writeFile(join(folder, "manifest.json"), JSON.stringify({ layout: LAYOUT, tensorflow: TENSORFLOW_VERSION, kind: "cpu" }));
  return folder;
}

describe("a set-up that is there", () => {
  const refuse: RunCommand = (program) => Promise.reject(new Error(`${program} was run`));

  it("is left alone without running anything", async () => {
    const folder = await finished(nativeFolder("cpu", cache), "here");
    expect(await attempt(refuse)).toEqual({ folder, kind: "cpu", tensorflow: TENSORFLOW_VERSION, present: true });
    expect(lines).toEqual([`TensorFlow ${TENSORFLOW_VERSION} (cpu) is already set up in ${folder}`]);
  });

  it.skipIf(!isLinux)("is built anew with force, of another version, or without its addon", async () => {
    const folder = await finished(nativeFolder("cpu", cache), "here");
    await expect(attempt(refuse, { force: true })).rejects.toThrow("python3 was run");
    await writeFile(join(folder, "manifest.json"), JSON.stringify({ layout: LAYOUT, tensorflow: "2.9.1", kind: "cpu" }));
    await expect(attempt(refuse)).rejects.toThrow("python3 was run");
    await rm(join(await finished(folder, "here"), "tfjs_binding.node"));
    await expect(attempt(refuse)).rejects.toThrow("python3 was run");
  });
});

describe("putting a finished set-up in place", () => {
  const mark = (folder: string): Promise<string> => readFile(join(folder, "tfjs_binding.node"), "utf8");
  const put = async (folder: string, text: string, force: boolean): Promise<void> => {
    const temporary = await mkdtemp(join(cache, "temporary-"));
    await putInPlace(await finished(join(temporary, "made"), text), folder, (each) => isComplete(each, "cpu"), force, temporary);
  };

  it("twice at once is harmless: the first stays", async () => {
    const folder = join(cache, "2.21.0-cpu");
    await put(folder, "first", false);
    await put(folder, "second", false);
    expect(await mark(folder)).toBe("first");
  });

  it("takes the place of an unfinished one, and with force of a finished one", async () => {
    const folder = join(cache, "2.21.0-cpu");
    await mkdir(folder);
    await writeFile(join(folder, "left-over"), "");
    await put(folder, "first", false);
    expect((await readdir(folder)).sort()).toEqual(["manifest.json", "tfjs_binding.node"]);
    await put(folder, "second", true);
    expect(await mark(folder)).toBe("second");
  });
});

describe("later failures", () => {
  const failing = (stderr: string): RunCommand => () => Promise.resolve({ code: 1, stdout: "", stderr });

  it("of the compiler show its last lines", async () => {
    await expect(buildAddon(failing("fatal error: napi.h: No such file"), "g++", cache, cache)).rejects.toThrow(
      "[verlet setup] g++ could not build the native addon: got exit status 1: fatal error: napi.h: No such file, expected a C++17 compiler (g++ 9 or newer, clang++ 9 or newer). Install a newer compiler, or name one in the environment variable CXX",
    );
  });

  it("of the try-out say that nothing was installed", async () => {
    await expect(tryOut(failing("version `GLIBC_2.27' not found"), cache, "cpu")).rejects.toThrow(/was built but does not run here: got exit status 1: version `GLIBC_2\.27' not found, .*Nothing was installed\./);
  });

  it("of the unpacking name the archive", async () => {
    await expect(unpack(failing("BadZipFile: File is not a zip file"), "python3", { archive: "a.whl", target: "t", patterns: ["*"] })).rejects.toThrow(
      "a.whl could not be unpacked into t: got exit status 1: BadZipFile",
    );
  });

  it("of a program that is not there", async () => {
    expect((await runCommand("verlet-no-such-program", [])).code).toBe(127);
  });
});

it("pip is asked for the same wheel whichever Python runs it", async () => {
  const asked: string[] = [];
  const run: RunCommand = (_, args) => {
    asked.push(args.join(" "));
    return Promise.resolve(absent);
  };
  const downloader = { run, tools: { python: "python3", compiler: "g++", npm: "npm" }, log, onBytes: () => undefined };
  for (const { requirement } of [wheels.cpu, wheels.gpu]) await expect(downloadWheel(downloader, requirement, join(cache, requirement))).rejects.toThrow("pip could not download");
  for (const words of asked) expect(words).toMatch(/--no-deps --only-binary=:all: --python-version 3\.12 --implementation cp --platform manylinux_2_27_x86_64/);
  expect(asked.map((words) => words.split(" ").at(-1))).toEqual(["tensorflow-cpu==2.21.0", "tensorflow==2.21.0"]);
});

it("the CUDA libraries are those of the wheel's extra and-cuda, bounds included", () => {
  const metadata = [
    "Metadata-Version: 2.1",
    "Requires-Dist: numpy>=1.26.0",
    "Provides-Extra: and-cuda",
    'Requires-Dist: nvidia-cublas-cu12<13.0,>=12.5.3.2; extra == "and-cuda"',
    "Requires-Dist: nvidia-cudnn-cu12 <10.0, >=9.3.0.75 ; extra == 'and-cuda'",
    'Requires-Dist: tensorflow-io-gcs-filesystem>=0.23.1; (sys_platform != "win32") and extra == "gcs-filesystem"',
    "",
    'Requires-Dist: nothing; extra == "and-cuda-not"',
  ].join("\r\n");
  expect(cudaRequirements(metadata)).toEqual(["nvidia-cublas-cu12<13.0,>=12.5.3.2", "nvidia-cudnn-cu12<10.0,>=9.3.0.75"]);
});

describe("progress", () => {
  it("in a log is a line at each quarter", () => {
    const { onBytes } = lineProgress(log);
    for (const done of [1e6, 24e6, 26e6, 30e6, 60e6, 100e6]) onBytes("wheel", done, 100e6);
    onBytes("library", 5e6, undefined);
    expect(lines).toEqual(["  wheel: 26 MB of 100 MB (26 %)", "  wheel: 60 MB of 100 MB (60 %)", "  wheel: 100 MB of 100 MB (100 %)"]);
  });

  it("on a terminal is one line in place, which the next line of text replaces", () => {
    let shown = "";
    const progress = terminalProgress({ write: (text) => (shown += text) });
    progress.onBytes("wheel", 26e6, 100e6);
    progress.onBytes("library", 5e6, undefined);
    progress.log("unpacking");
    expect(shown).toBe("\r\u001b[K  wheel: 26 MB of 100 MB (26 %)\r\u001b[K  library: 5 MB\r\u001b[Kunpacking\n");
  });
});
