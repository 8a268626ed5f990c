import { rename } from "node:fs/promises";
import { join } from "node:path";
import { isComplete } from "../native/native-cache.js";
import type { NativeKind } from "../native/releases.js";

/**
 * Renames a finished set-up to where it is looked for, the one step that makes it count.
 * @param force take the place of a finished one too
 * @param temporary a folder on the same disk, for what is replaced; the caller removes it
 */
export async function putInPlace(made: string, folder: string, kind: NativeKind, force: boolean, temporary: string): Promise<void> {
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
