/** `verlet setup`: a current libtensorflow under tfjs-node's addon, built once a machine into the cache. */
import { mkdir, mkdtemp, readdir, readFile, rename, rm, statfs, writeFile } from "node:fs/promises";
import { hostname } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { BackendError } from "@verlet/core";
import { TFJS_KEY } from "../native/load-native.js";
import { cacheFolder, hasNvidiaDriver, isComplete, isNativePlatform, LAYOUT, nativeFolder, type Manifest } from "../native/native-cache.js";
import { addonPackage, diskBytes, NATIVE_PLATFORM, protobufPackage, TENSORFLOW_VERSION, wheels, type NativeKind } from "../native/releases.js";
import { buildAddon, HEADERS } from "./build-addon.js";
import { lastWords, runCommand, type RunCommand } from "./command.js";
import { addCudaLibraries, cudaRequirements } from "./cuda-libraries.js";
import { downloadPackage, downloadWheel, verifyFile, type Downloader, type OnBytes } from "./download.js";
import { findTools } from "./find-tools.js";
import { lineProgress, terminalProgress } from "./progress.js";
import { unpack } from "./unpack.js";

export interface SetupOptions {
  /** The CUDA build; by default where an NVIDIA driver is found. */
  gpu?: boolean;
  /** Build anew even if it is there. */
  force?: boolean;
  /** Takes one line of progress at a time; by default standard error. */
  log?: (line: string) => void;
  /** Takes the bytes of the file coming in; by default a line in place on a terminal, else a line at each quarter. */
  onBytes?: OnBytes;
  /** The cache to build in; by default `cacheFolder()`. */
  cache?: string;
  run?: RunCommand;
}

export interface SetupResult {
  readonly folder: string;
  readonly kind: NativeKind;
  readonly tensorflow: string;
  /** Whether it was there before. */
  readonly present: boolean;
  /** Whether the try-out computed on a GPU; unknown where nothing was built. */
  readonly gpu?: boolean;
}

/**
 * Idempotent, and safe beside another one of itself: everything is made in a temporary folder, tried in a process of
 * its own, and renamed into place as the last act.
 * @throws BackendError that says what is missing, what failed, and what to do
 */
export async function setupNative(options: SetupOptions = {}): Promise<SetupResult> {
  const { gpu = hasNvidiaDriver(), force = false, cache = cacheFolder(), run = runCommand } = options;
  const log = options.log ?? ((line: string) => void process.stderr.write(`${line}\n`));
  const kind: NativeKind = gpu ? "gpu" : "cpu";
  const folder = nativeFolder(kind, cache);
  const done = { folder, kind, tensorflow: TENSORFLOW_VERSION };
  if (!force && isComplete(folder, kind)) {
    log(`TensorFlow ${TENSORFLOW_VERSION} (${kind}) is already set up in ${folder}`);
    return { ...done, present: true };
  }
  if (!isNativePlatform()) throw noBuild();
  const tools = await findTools(run);
  await mkdir(dirname(folder), { recursive: true });
  await removeAbandoned(dirname(folder));
  await checkDisk(dirname(folder), kind);

  const onBytes = options.onBytes ?? (process.stderr.isTTY && !options.log ? terminalProgress(process.stderr) : lineProgress(log));
  const temporary = await mkdtemp(join(dirname(folder), `${temporaryPrefix()}${process.pid}-`));
  try {
    const made = join(temporary, "made");
    await make({ run, tools, onBytes }, kind, made, temporary, log);
    log("trying it out");
    const tried = await tryOut(run, made, kind);
    await writeFile(join(made, "manifest.json"), JSON.stringify({ layout: LAYOUT, tensorflow: TENSORFLOW_VERSION, kind } satisfies Manifest));
    await putInPlace(made, folder, kind, force, temporary);
    log(`TensorFlow ${tried.tensorflow} (${kind}) is set up in ${folder}`);
    return { ...done, present: false, gpu: tried.gpu };
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
}

async function make(downloader: Downloader, kind: NativeKind, made: string, temporary: string, log: (line: string) => void): Promise<void> {
  const { run, tools } = downloader;
  const headers = join(temporary, "headers");
  const pinned = wheels[kind];

  log(`downloading ${pinned.requirement} (${Math.round(pinned.bytes / 1e6)} MB)`);
  const wheel = await downloadWheel(downloader, pinned.requirement, join(temporary, "wheel"), pinned.bytes);
  await verifyFile(wheel, pinned);
  log("unpacking");
  await unpack(run, tools.python, { archive: wheel, target: made, patterns: ["tensorflow/libtensorflow_cc.so.2", "tensorflow/libtensorflow_framework.so.2"] });
  await unpack(run, tools.python, { archive: wheel, target: headers, patterns: [...HEADERS, "*.dist-info/METADATA"] });
  await rm(wheel);

  if (kind === "gpu") await addCudaLibraries(downloader, cudaRequirements(await readMetadata(headers)), made, temporary, log);

  for (const [file, target] of [[addonPackage, "tfjs-node"], [protobufPackage, join("node_modules", "google-protobuf")]] as const) {
    log(`downloading ${file.requirement}`);
    const archive = await downloadPackage(downloader, file, join(temporary, target));
    await verifyFile(archive, file);
    await unpack(run, tools.python, { archive, target: join(made, target), strip: "package/", patterns: ["*"] });
  }
  for (const name of ["tfjs", "tfjs-core"]) await writeShim(join(made, "node_modules", "@tensorflow", name));

  log(`compiling the addon with ${tools.compiler}`);
  await buildAddon(run, tools.compiler, made, headers);
}

/** Stands in for TensorFlow.js, so that tfjs-node's files get this process's copy instead of a second one. */
async function writeShim(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, "index.js"), `module.exports = globalThis[Symbol.for(${JSON.stringify(TFJS_KEY)})];\n`);
}

async function readMetadata(headers: string): Promise<string> {
  const info = (await readdir(headers)).find((name) => name.endsWith(".dist-info"));
  return readFile(join(headers, info ?? "missing.dist-info", "METADATA"), "utf8");
}

async function tryOut(run: RunCommand, folder: string, kind: NativeKind): Promise<{ tensorflow: string; gpu: boolean }> {
  const result = await run(process.execPath, [fileURLToPath(new URL("./try-native.js", import.meta.url)), folder, kind]);
  if (result.code === 0) return JSON.parse(result.stdout.slice(result.stdout.lastIndexOf("{"))) as { tensorflow: string; gpu: boolean };
  throw new BackendError({
    where: "verlet setup",
    what: "the native backend was built but does not run here",
    got: lastWords(result),
    expected: "a 2×2 matrix product",
    fix: "Nothing was installed. A C library older than glibc 2.27 or a processor without AVX is the usual reason; train on wasm instead",
  });
}

async function putInPlace(made: string, folder: string, kind: NativeKind, force: boolean, temporary: string): Promise<void> {
  // What lies there is an unfinished or older layout, or is to be replaced; a process that has it loaded keeps its files.
  if (force || !isComplete(folder, kind)) await rename(folder, join(temporary, "replaced")).catch(ignoreAbsent);
  try {
    await rename(made, folder);
  } catch (error) {
    // Another set-up was a moment earlier: its result is as good.
    if (!isComplete(folder, kind)) throw error;
  }
}

function ignoreAbsent(error: NodeJS.ErrnoException): void {
  if (error.code !== "ENOENT") throw error;
}

const temporaryPrefix = (): string => `.setup-${hostname()}-`;

/** Removes what killed set-ups of this machine left behind. */
async function removeAbandoned(parent: string): Promise<void> {
  const prefix = temporaryPrefix();
  for (const name of await readdir(parent)) {
    if (!name.startsWith(prefix)) continue;
    const pid = Number.parseInt(name.slice(prefix.length), 10);
    if (!isAlive(pid)) await rm(join(parent, name), { recursive: true, force: true });
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

async function checkDisk(parent: string, kind: NativeKind): Promise<void> {
  const { bavail, bsize } = await statfs(parent);
  const free = bavail * bsize;
  if (free >= diskBytes[kind]) return;
  const gigabytes = (bytes: number): string => `${(bytes / 1e9).toFixed(1)} GB`;
  throw new BackendError({
    where: "verlet setup",
    what: `too little disk for TensorFlow (${kind})`,
    got: `${gigabytes(free)} free in ${parent}`,
    expected: `${gigabytes(diskBytes[kind])}`,
    fix: "Free some, or put the cache elsewhere with the environment variable VERLET_CACHE",
  });
}

const noBuild = (): BackendError =>
  new BackendError({
    where: "verlet setup",
    what: "there is no native TensorFlow for this machine",
    got: `${process.platform}-${process.arch}`,
    expected: NATIVE_PLATFORM,
    fix: "Train on wasm (backend: wasm), which needs no set-up",
  });
