/** What the user sees of an error, and the exit status it ends with. */
import { styles } from "./output.js";

/** A wrong command line that only the verb itself can tell; ends with status 2 like commander's own. */
export class UsageError extends Error {}

const USAGE = 2;
const FAILED = 1;

/**
 * Errors thrown on purpose, and what the system refuses (no permission, no space), are words for the user and get no
 * stack; any other is a fault of verlet and does. With `--json` on the command line the error is one JSON line.
 * @returns the exit status
 */
export async function reportError(error: unknown): Promise<number> {
  if (error instanceof UsageError) {
    process.stderr.write(`error: ${error.message}\n(add --help to see what there is)\n`);
    return USAGE;
  }
  const { ConfigError, VerletError } = await import("@verlet/core");
  const { name, message, stack } = error instanceof Error ? error : new Error(String(error));
  const problems = error instanceof ConfigError ? error.problems : error instanceof VerletError ? [error.parts] : undefined;
  const expected = problems !== undefined || isSystemError(error);
  if (process.argv.includes("--json")) {
    process.stderr.write(`${JSON.stringify({ event: "error", error: name, message, problems, ...(!expected && { stack }) })}\n`);
  } else if (expected) {
    const { red } = styles(process.stderr);
    const heading = problems && problems.length > 1 ? `${red(`${problems.length} errors`)}\n` : `${red("error")} `;
    process.stderr.write(`${heading}${message}\n`);
  } else {
    process.stderr.write(`${stack ?? message}\n\nThis is a fault in verlet itself. Please report it with the lines above, the command, and what \`verlet doctor\` prints.\n`);
  }
  return FAILED;
}

function isSystemError(error: unknown): boolean {
  return error instanceof Error && typeof (error as NodeJS.ErrnoException).syscall === "string";
}
