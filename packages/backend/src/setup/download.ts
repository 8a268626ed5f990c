/** Files from the user's own npm and pip registries, checked against the pinned hashes. */
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { mkdir, readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { BackendError } from "@verlet/core";
import { WHEEL_TAGS, type PinnedFile } from "../native/releases.js";
import { lastWords, type CommandResult, type RunCommand } from "./command.js";
import type { Tools } from "./find-tools.js";

/** Called while a file comes in; `total` is unknown for files that are not pinned. */
export type OnBytes = (file: string, done: number, total: number | undefined) => void;

export interface Downloader {
  readonly run: RunCommand;
  readonly tools: Tools;
  readonly log: (line: string) => void;
  readonly onBytes: OnBytes;
}

/** Wheels of C++ libraries carry older platform tags too; pip does not widen a platform given by hand. */
const OLDER_PLATFORMS = ["manylinux_2_17_x86_64", "manylinux2014_x86_64", "manylinux1_x86_64"].flatMap((tag) => ["--platform", tag]);

const failed = (requirement: string, manager: string, result: CommandResult): BackendError =>
  new BackendError({
    where: "verlet setup",
    what: `${manager} could not download ${requirement}`,
    got: lastWords(result),
    fix: `Look at the network and at ${manager}'s own registry settings, then run npx verlet setup again`,
  });

/** @returns the path of the one wheel that satisfies `requirement`, in `folder` (which it has to itself) */
export async function downloadWheel({ run, tools, onBytes }: Downloader, requirement: string, folder: string, bytes?: number): Promise<string> {
  const temporary = join(folder, "incoming");
  await mkdir(temporary, { recursive: true });
  let shown = 0;
  const show = (found: number): void => {
    const done = bytes === undefined ? found : Math.min(found, bytes);
    if (done > shown) onBytes(requirement, (shown = done), bytes);
  };
  const watch = setInterval(() => void sizeOf(temporary).then(show), 500);
  try {
    // Without pip's own cache: verlet's cache keeps the result, and older pips hold a whole cached file in memory.
    const args = ["-m", "pip", "download", "--no-cache-dir", "--no-deps", "--only-binary=:all:", ...WHEEL_TAGS, ...OLDER_PLATFORMS, "--dest", folder, requirement];
    // pip writes what it downloads into its temporary folder first: that is where the bytes can be counted.
    const result = await run(tools.python, args, { env: { TMPDIR: temporary } });
    if (result.code !== 0) throw failed(requirement, "pip", result);
  } finally {
    clearInterval(watch);
  }
  return theOne(folder, ".whl", requirement);
}

/** @returns the path of the package's tarball in `folder` (which it has to itself) */
export async function downloadPackage(run: RunCommand, npm: string, { requirement }: PinnedFile, folder: string): Promise<string> {
  await mkdir(folder, { recursive: true });
  const result = await run(npm, ["pack", requirement, "--pack-destination", folder, "--loglevel", "error"]);
  if (result.code !== 0) throw failed(requirement, "npm", result);
  return theOne(folder, ".tgz", requirement);
}

/** @throws BackendError where the file is not, byte for byte, the pinned one */
export async function verifyFile(path: string, { requirement, sha256 }: PinnedFile): Promise<void> {
  const hash = createHash("sha256");
  for await (const block of createReadStream(path)) hash.update(block as Buffer);
  const found = hash.digest("hex");
  if (found === sha256) return;
  throw new BackendError({
    where: "verlet setup",
    what: `the downloaded file of ${requirement} is not the one verlet was made for`,
    got: `sha256 ${found}`,
    expected: sha256,
    fix: "Nothing was installed. Clear the package manager's cache (pip cache purge, npm cache clean --force) or look at its registry, and run npx verlet setup again",
  });
}

async function theOne(folder: string, ending: string, requirement: string): Promise<string> {
  const found = (await readdir(folder)).filter((name) => name.endsWith(ending));
  if (found.length === 1) return join(folder, found[0]!);
  throw new BackendError({
    where: "verlet setup",
    what: `the download of ${requirement} left no single file`,
    got: found.length === 0 ? "none" : found.join(", "),
    expected: `one *${ending} in ${folder}`,
  });
}

/** Bytes of all files under a folder; files that vanish meanwhile count as nothing. */
async function sizeOf(folder: string): Promise<number> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => []);
  const sizes = await Promise.all(entries.filter((entry) => entry.isFile()).map((entry) => stat(join(entry.parentPath ?? entry.path, entry.name)).then(({ size }) => size, () => 0)));
  return sizes.reduce((sum, size) => sum + size, 0);
}
