import { mkdir, open, readdir, rename, rm, stat, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";

/** Part of every temporary name, so that what a killed process left behind can be told from what is complete. */
const TEMPORARY = /^\.(.+)\.(\d+)\.tmp$/;

/** A name beside `path` that no reader takes for the real thing; it holds the writer's process id. */
export function temporaryName(path: string): string {
  return join(dirname(path), `.${basename(path)}.${process.pid}.tmp`);
}

/** Writes a small file so that a reader sees the old content or the new, never a part. */
export async function writeFileAtomic(path: string, text: string): Promise<void> {
  const temporary = temporaryName(path);
  await mkdir(dirname(path), { recursive: true });
  await writeFile(temporary, text);
  await syncPath(temporary);
  await rename(temporary, path);
}

/** Forces a file's content, or a folder's list of names, onto the disk. */
export async function syncPath(path: string): Promise<void> {
  const handle = await open(path, "r").catch((error: NodeJS.ErrnoException) => {
    if (isFolderSyncRefusal(error)) return undefined;
    throw error;
  });
  try {
    await handle?.sync();
  } catch (error) {
    if (!isFolderSyncRefusal(error as NodeJS.ErrnoException)) throw error;
  } finally {
    await handle?.close();
  }
}

/** Windows and some network file systems cannot sync a folder; the rename is all there is then. */
function isFolderSyncRefusal(error: NodeJS.ErrnoException): boolean {
  return error.code === "EISDIR" || error.code === "EPERM" || error.code === "EINVAL" || error.code === "ENOTSUP";
}

/** Syncs every file below `folder`, then the folders themselves. Resolves to the files' sizes by relative path. */
export async function syncTree(folder: string): Promise<Record<string, number>> {
  const sizes: Record<string, number> = {};
  const visit = async (relative: string): Promise<void> => {
    for (const entry of await readdir(join(folder, relative), { withFileTypes: true })) {
      const path = relative ? `${relative}/${entry.name}` : entry.name;
      if (entry.isDirectory()) {
        await visit(path);
      } else {
        await syncPath(join(folder, path));
        sizes[path] = (await stat(join(folder, path))).size;
      }
    }
    await syncPath(join(folder, relative));
  };
  await visit("");
  return sizes;
}

/** Removes what killed writers left in `folder`; the work of a process that still runs is left alone. */
export async function removeStaleTemporaries(folder: string): Promise<string[]> {
  const names = await readdir(folder).catch(() => []);
  const stale = names.filter((name) => {
    const pid = Number(TEMPORARY.exec(name)?.[2] ?? NaN);
    return !Number.isNaN(pid) && (pid === process.pid || !isAlive(pid));
  });
  for (const name of stale) await rm(join(folder, name), { recursive: true, force: true });
  return stale;
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0); // signal 0 only asks
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}
