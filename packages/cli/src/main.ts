/** The `verlet` command. Whatever a verb needs is imported when it runs, so that help and mistakes cost nothing. */
import { CommanderError } from "commander";
import { createProgram } from "./program.js";

// A reader that closes the pipe early (`verlet list | head`) has seen enough.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code === "EPIPE") process.exit(0);
  throw error;
});

try {
  await createProgram().parseAsync();
} catch (error) {
  process.exitCode = await exitCode(error);
}

async function exitCode(error: unknown): Promise<number> {
  // Commander has said itself what was wrong; only help and the version end with 0.
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
  const { reportError } = await import("./report-error.js");
  return reportError(error);
}
