/** `verlet setup --webgpu`: Dawn's Node addon, once a machine into the cache. */
import { existsSync } from "node:fs";
import { mkdir, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { BackendError } from "@verlet/core";
import { cacheFolder } from "../native/native-cache.js";
import { addonFolder, addonFolders, webgpuFolder, webgpuPackage, WEBGPU_VERSION } from "../webgpu/dawn-package.js";
import { lastWords, runCommand, type RunCommand } from "./command.js";
import { downloadPackage, verifyFile } from "./download.js";
import { defaultProgress } from "./progress.js";
import { putInPlace } from "./put-in-place.js";
import { triedAdapter, type TriedAdapter } from "./try-out.js";
import { checkDisk, openWorkingFolder } from "./working-folder.js";

export interface WebgpuSetupOptions {
  /** Download anew even if it is there. */
  force?: boolean;
  /** Takes one line of progress at a time; by default standard error. */
  log?: (line: string) => void;
  /** The cache to put it into; by default `cacheFolder()`. */
  cache?: string;
  run?: RunCommand;
}

export interface WebgpuSetupResult {
  readonly folder: string;
  /** Of the npm package `webgpu`. */
  readonly version: string;
  /** Whether it was there before. */
  readonly present: boolean;
  /** What it computes on here; absent where it finds nothing. */
  readonly adapter?: TriedAdapter;
}

/** The tarball with the addons of five machines, and the one that is kept. */
const DISK_BYTES = 0.1e9;

const isComplete = (folder: string): boolean => existsSync(join(folder, "index.js"));

/**
 * Idempotent, and safe beside another one of itself, as `setupNative`. Needs npm and tar alone, and takes the addon of
 * this machine out of the package, which has those of five.
 * @throws BackendError that says what is missing, what failed, and what to do
 */
export async function setupWebgpu(options: WebgpuSetupOptions = {}): Promise<WebgpuSetupResult> {
  const { force = false, cache = cacheFolder(), run = runCommand } = options;
  const { log } = defaultProgress(options.log);
  const folder = webgpuFolder(cache);
  const present = !force && isComplete(folder);
  const adapter = await (present ? triedAdapter(run, folder) : make(run, log, folder, force));
  log(`webgpu ${WEBGPU_VERSION} is ${present ? "already " : ""}set up in ${folder}`);
  log(adapter ? `it computes on ${adapter.name}` : "it finds no GPU here");
  return { folder, version: WEBGPU_VERSION, present, ...(adapter && { adapter }) };
}

async function make(run: RunCommand, log: (line: string) => void, folder: string, force: boolean): Promise<TriedAdapter | undefined> {
  if (!addonFolders.includes(addonFolder())) throw noBuild();
  await requireTools(run);
  await mkdir(dirname(folder), { recursive: true });
  await checkDisk(dirname(folder), "webgpu", DISK_BYTES);
  const temporary = await openWorkingFolder(dirname(folder));
  try {
    log(`downloading ${webgpuPackage.requirement} (${Math.round(webgpuPackage.bytes / 1e6)} MB)`);
    const archive = await downloadPackage(run, "npm", webgpuPackage, join(temporary, "package"));
    await verifyFile(archive, webgpuPackage);
    const made = join(temporary, "made");
    await mkdir(made);
    const wanted = ["index.js", "package.json", "LICENSE.md", `dist/${addonFolder()}`].map((name) => `package/${name}`);
    const unpacked = await run("tar", ["-xzf", archive, "-C", made, "--strip-components=1", ...wanted]);
    if (unpacked.code !== 0) throw failed(`${archive} could not be unpacked`, lastWords(unpacked), "Look whether the disk is full");
    const adapter = await triedAdapter(run, made);
    await putInPlace(made, folder, isComplete, force, temporary);
    return adapter;
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
}

async function requireTools(run: RunCommand): Promise<void> {
  for (const tool of ["npm", "tar"]) {
    if ((await run(tool, ["--version"])).code !== 0) throw failed("webgpu cannot be fetched here", `no ${tool}`, `Install ${tool}, or run npm install webgpu in your project`);
  }
}

const failed = (what: string, got: string, fix: string): BackendError =>
  new BackendError({ where: "verlet setup --webgpu", what, got, fix: `${fix}, and run npx verlet setup --webgpu again` });

const noBuild = (): BackendError =>
  new BackendError({
    where: "verlet setup --webgpu",
    what: "the npm package webgpu has no build for this machine",
    got: `${process.platform}-${process.arch}`,
    expected: addonFolders.join(", "),
    fix: "Train on wasm (backend: wasm), which needs no set-up",
  });
