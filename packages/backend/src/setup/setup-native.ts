/** `verlet setup`: a current libtensorflow under tfjs-node's addon, built once a machine into the cache. */
import { mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { BackendError } from "@verlet/core";
import { TFJS_KEY } from "../native/load-native.js";
import { cacheFolder, hasNvidiaDriver, isComplete, isNativePlatform, LAYOUT, nativeFolder, type Manifest } from "../native/native-cache.js";
import { addonPackage, diskBytes, NATIVE_PLATFORM, protobufPackage, TENSORFLOW_VERSION, wheels, type NativeKind } from "../native/releases.js";
import { buildAddon, HEADERS } from "./build-addon.js";
import { runCommand, type RunCommand } from "./command.js";
import { addCudaLibraries, cudaRequirements } from "./cuda-libraries.js";
import { downloadPackage, downloadWheel, verifyFile, type Downloader, type OnBytes } from "./download.js";
import { findTools } from "./find-tools.js";
import { defaultProgress } from "./progress.js";
import { putInPlace } from "./put-in-place.js";
import { tryOut } from "./try-out.js";
import { unpack } from "./unpack.js";
import { checkDisk, openWorkingFolder } from "./working-folder.js";

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
  const { log, onBytes } = { ...defaultProgress(options.log), ...(options.onBytes && { onBytes: options.onBytes }) };
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
  await checkDisk(dirname(folder), `TensorFlow (${kind})`, diskBytes[kind]);

  const temporary = await openWorkingFolder(dirname(folder));
  try {
    const made = join(temporary, "made");
    await make({ run, tools, log, onBytes }, kind, made, temporary);
    log("trying it out");
    const tried = await tryOut(run, made, kind);
    await writeFile(join(made, "manifest.json"), JSON.stringify({ layout: LAYOUT, tensorflow: TENSORFLOW_VERSION, kind } satisfies Manifest));
    await putInPlace(made, folder, (each) => isComplete(each, kind), force, temporary);
    log(`TensorFlow ${tried.tensorflow} (${kind}) is set up in ${folder}`);
    return { ...done, present: false, gpu: tried.gpu };
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
}

async function make(downloader: Downloader, kind: NativeKind, made: string, temporary: string): Promise<void> {
  const { run, tools, log } = downloader;
  const headers = join(temporary, "headers");
  const pinned = wheels[kind];

  log(`downloading ${pinned.requirement} (${Math.round(pinned.bytes / 1e6)} MB)`);
  const wheel = await downloadWheel(downloader, pinned.requirement, join(temporary, "wheel"), pinned.bytes);
  await verifyFile(wheel, pinned);
  log("unpacking");
  await unpack(run, tools.python, { archive: wheel, target: made, patterns: ["tensorflow/libtensorflow_cc.so.2", "tensorflow/libtensorflow_framework.so.2"] });
  await unpack(run, tools.python, { archive: wheel, target: headers, patterns: [...HEADERS, "*.dist-info/METADATA"] });
  await rm(wheel);

  for (const [file, target] of [[addonPackage, "tfjs-node"], [protobufPackage, join("node_modules", "google-protobuf")]] as const) {
    log(`downloading ${file.requirement}`);
    const archive = await downloadPackage(run, tools.npm, file, join(temporary, target));
    await verifyFile(archive, file);
    await unpack(run, tools.python, { archive, target: join(made, target), strip: "package/", patterns: ["*"] });
  }
  for (const name of ["tfjs", "tfjs-core"]) await writeShim(join(made, "node_modules", "@tensorflow", name));

  log(`compiling the addon with ${tools.compiler}`);
  await buildAddon(run, tools.compiler, made, headers);
  // Last, because they are by far the largest.
  if (kind === "gpu") await addCudaLibraries(downloader, cudaRequirements(await readMetadata(headers)), made, temporary);
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

const noBuild = (): BackendError =>
  new BackendError({
    where: "verlet setup",
    what: "there is no native TensorFlow for this machine",
    got: `${process.platform}-${process.arch}`,
    expected: NATIVE_PLATFORM,
    fix: "Train on wasm (backend: wasm), which needs no set-up",
  });
