import { rename } from "node:fs/promises";
import { join } from "node:path";

/**
 * Renames a finished set-up to where it is looked for, the one step that makes it count.
 * @param isComplete whether a finished one lies in a folder
 * @param force take the place of a finished one too
 * @param temporary a folder on the same disk, for what is replaced; the caller removes it
 */
export async function putInPlace(made: string, folder: string, isComplete: (folder: string) => boolean, force: boolean, temporary: string): Promise<void> {
  // What lies there is an unfinished or older layout, or is to be replaced; a process that has it loaded keeps its files.
  if (force || !isComplete(folder)) await rename(folder, join(temporary, "replaced")).catch(ignoreAbsent);
  try {
    await rename(made, folder);
  } catch (error) {
    // Another set-up was a moment earlier: its result is as good.
    if (!isComplete(folder)) throw error;
  }
}

function ignoreAbsent(error: NodeJS.ErrnoException): void {
  if (error.code !== "ENOENT") throw error;
}
