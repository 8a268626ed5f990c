/** Runs a file of examples/documents as its user does, but in this process. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { format } from "node:util";
import { createJiti } from "jiti";
import { afterAll, vi } from "vitest";

export const documents = join(import.meta.dirname, "../../examples/documents");

/** Where the examples of this test file write: the model that they share is made there once. */
export const exampleOutput = mkdtempSync(join(tmpdir(), "verlet-documents-"));
process.env.VERLET_OUTPUT = exampleOutput;
afterAll(() => rmSync(exampleOutput, { recursive: true, force: true }));

const jiti = createJiti(import.meta.url);

/** What an example printed: its own lines, and those of the runs in it. @param path below examples/documents */
export async function runExample(path: string): Promise<{ printed: string; all: string }> {
  let [printed, all] = ["", ""];
  const log = vi.spyOn(console, "log").mockImplementation((...values) => {
    printed += `${format(...values)}\n`;
    all += `${format(...values)}\n`;
  });
  const write = vi.spyOn(process.stdout, "write").mockImplementation((text) => {
    all += String(text);
    return true;
  });
  try {
    await jiti.import(join(documents, path));
  } finally {
    log.mockRestore();
    write.mockRestore();
  }
  return { printed, all };
}
