/** One side of a case, in a process of its own. */
import { execFile } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A side that takes longer is given up. */
const MOST_MINUTES = 60;

/**
 * @param {"ours" | "theirs"} side
 * @returns what the process printed, or `{ failed }` with its last words
 */
export async function runSide(side, record, python) {
  const work = mkdtempSync(join(tmpdir(), "verlet-bench-"));
  const [command, script, backend] = program(side, record, python);
  const argument = JSON.stringify({ ...record, backend, work });
  try {
    return await new Promise((resolve) =>
      execFile(command, [script, argument], { maxBuffer: 1 << 26, timeout: MOST_MINUTES * 60_000 }, (error, stdout, stderr) => resolve(error ? { failed: lastWords(error, stderr) } : JSON.parse(stdout.trim().split("\n").at(-1)))),
    );
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/** Interpreter, script and backend; of the quickstart the other side is ours on native. */
function program(side, { kind, backend }, python) {
  const own = [process.execPath, join(import.meta.dirname, "cases", `${kind}.mjs`)];
  if (kind === "quickstart") return [...own, side === "ours" ? "wasm" : "native"];
  return side === "ours" ? [...own, backend] : [python, join(import.meta.dirname, "peers", `${kind}.py`), backend];
}

function lastWords({ code, signal }, stderr) {
  const words = stderr.trim().split("\n").at(-1);
  return `it ended with ${signal ?? code}${words ? `: ${words}` : ""}`;
}
