/**
 * A Python of its own for the interop suite: torch, transformers and PEFT at pinned versions, installed once into a
 * cache folder outside the project and found again by the hash of requirements.txt.
 */
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const run = promisify(execFile);
const HERE = fileURLToPath(new URL(".", import.meta.url));
const REQUIREMENTS = join(HERE, "requirements.txt");
const INSTALL_MINUTES = 20;

export type PythonEnvironment = { python: string; missing?: undefined } | { python?: undefined; missing: string };

/**
 * The interpreter to run the scripts with, or why there is none.
 * @throws Error in CI, where a missing Python is a failure, and when an installation that was begun fails.
 */
export async function pythonEnvironment(): Promise<PythonEnvironment> {
  const base = await findPython();
  if (base === undefined) {
    const missing = "no Python 3.11 or newer with the venv module (Debian: apt-get install python3-venv)";
    if (process.env.CI) throw new Error(`interop: ${missing}`);
    return { missing };
  }
  const hash = createHash("sha256").update(readFileSync(REQUIREMENTS)).update(base.version).digest("hex").slice(0, 12);
  const cache = process.env.VERLET_CACHE ?? join(homedir(), ".cache", "verlet");
  const folder = join(cache, `interop-${hash}`);
  if (!existsSync(folder)) await withLock(`${folder}.lock`, () => existsSync(folder) ? undefined : install(base.python, folder));
  return { python: interpreter(folder) };
}

/** Runs a script of this folder with one JSON argument and gives back the JSON it prints last. */
export async function runPython<T>(python: string, script: string, argument: object): Promise<T> {
  const { stdout } = await run(python, [join(HERE, script), JSON.stringify(argument)], {
    maxBuffer: 1 << 28,
    env: { ...process.env, HF_HUB_OFFLINE: "1", TRANSFORMERS_VERBOSITY: "error", OMP_NUM_THREADS: "1" },
  });
  return JSON.parse(stdout.trimEnd().split("\n").at(-1)!) as T;
}

const interpreter = (folder: string): string =>
  process.platform === "win32" ? join(folder, "Scripts", "python.exe") : join(folder, "bin", "python");

async function findPython(): Promise<{ python: string; version: string } | undefined> {
  const probe = "import sys, venv, ensurepip; assert sys.version_info >= (3, 11); print(sys.version_info[:2])";
  for (const python of ["python3", "python"]) {
    const found = await run(python, ["-c", probe]).catch(() => undefined);
    if (found) return { python, version: found.stdout.trim() };
  }
  return undefined;
}

/** Builds the environment under another name and renames it, so that a broken installation is never reused. */
async function install(base: string, folder: string): Promise<void> {
  const unfinished = `${folder}.part`;
  rmSync(unfinished, { recursive: true, force: true });
  const [torch, ...others] = readFileSync(REQUIREMENTS, "utf8").trim().split("\n") as [string, ...string[]];
  const pip = (...packages: string[]): Promise<unknown> =>
    run(interpreter(unfinished), ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", ...packages], {
      timeout: INSTALL_MINUTES * 60_000,
      maxBuffer: 1 << 26,
    });
  process.stderr.write(`interop: installing ${[torch, ...others].join(" ")} into ${folder} (once)\n`);
  await run(base, ["-m", "venv", unfinished]);
  await pip(torch); // first and alone, so that the others are content with this build of it
  await pip(...others, torch);
  renameSync(unfinished, folder);
}

/** Only one process installs; the others wait for it, unless it died. */
async function withLock(lock: string, work: () => Promise<void> | undefined): Promise<void> {
  mkdirSync(join(lock, ".."), { recursive: true });
  for (;;) {
    try {
      writeFileSync(lock, String(process.pid), { flag: "wx" });
      break;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
      if (isStale(lock)) rmSync(lock, { force: true });
      else await new Promise((resolve) => setTimeout(resolve, 1000));
    }
  }
  try {
    await work();
  } finally {
    rmSync(lock, { force: true });
  }
}

function isStale(lock: string): boolean {
  try {
    process.kill(Number(readFileSync(lock, "utf8")), 0);
    return Date.now() - statSync(lock).mtimeMs > 2 * INSTALL_MINUTES * 60_000;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "ESRCH";
  }
}
