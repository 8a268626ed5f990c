/** The folder a set-up works in, beside the place its result is renamed to. */
import { mkdtemp, readdir, rm, statfs } from "node:fs/promises";
import { hostname } from "node:os";
import { join } from "node:path";
import { BackendError } from "@verlet/core";

const prefix = (): string => `.setup-${hostname()}-`;

/** A new folder of this process, after those that killed set-ups of this machine left behind were removed. */
export async function openWorkingFolder(parent: string): Promise<string> {
  for (const name of await readdir(parent)) {
    if (!name.startsWith(prefix())) continue;
    const pid = Number.parseInt(name.slice(prefix().length), 10);
    if (!isAlive(pid)) await rm(join(parent, name), { recursive: true, force: true });
  }
  return mkdtemp(join(parent, `${prefix()}${process.pid}-`));
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

/** @throws BackendError where the disk has less free than setting `what` up takes at its peak, in bytes */
export async function checkDisk(parent: string, what: string, bytes: number): Promise<void> {
  const { bavail, bsize } = await statfs(parent);
  const free = bavail * bsize;
  if (free >= bytes) return;
  const gigabytes = (bytes: number): string => `${(bytes / 1e9).toFixed(1)} GB`;
  throw new BackendError({
    where: "verlet setup",
    what: `too little disk for ${what}`,
    got: `${gigabytes(free)} free in ${parent}`,
    expected: gigabytes(bytes),
    fix: "Free some, or put the cache elsewhere with the environment variable VERLET_CACHE",
  });
}
