/**
 * Python environments of their own for what verlet is compared with: packages at pinned versions, installed once into the
 * cache folder, outside the project, and found again by the hash of requirements.txt.
 */
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);
const INSTALL_MINUTES = 30;

export const NO_PYTHON = "no Python 3.11 or newer with the venv module (Debian: apt-get install python3-venv)";

export const cacheFolder = () => process.env.VERLET_CACHE ?? join(homedir(), ".cache", "verlet");

/** The interpreter of the environment; undefined without a Python to make it with. */
export async function pythonEnvironment(name, requirements) {
  const base = await findPython();
  if (base === undefined) return undefined;
  const hash = createHash("sha256").update(readFileSync(requirements)).update(base.version).digest("hex").slice(0, 12);
  const folder = join(cacheFolder(), `${name}-${hash}`);
  if (!existsSync(folder)) await withLock(`${folder}.lock`, () => (existsSync(folder) ? undefined : install(base.python, requirements, folder)));
  return interpreter(folder);
}

const interpreter = (folder) => (process.platform === "win32" ? join(folder, "Scripts", "python.exe") : join(folder, "bin", "python"));

async function findPython() {
  const probe = "import sys, venv, ensurepip; assert sys.version_info >= (3, 11); print(sys.version_info[:2])";
  for (const python of ["python3", "python"]) {
    const found = await run(python, ["-c", probe]).catch(() => undefined);
    if (found) return { python, version: found.stdout.trim() };
  }
  return undefined;
}

/** Under another name first, so that a broken installation is never used. */
async function install(base, requirements, folder) {
  const unfinished = `${folder}.part`;
  rmSync(unfinished, { recursive: true, force: true });
  const [torch, ...others] = readFileSync(requirements, "utf8").trim().split("\n");
  const pip = (...packages) =>
    run(interpreter(unfinished), ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", ...packages], { timeout: INSTALL_MINUTES * 60_000, maxBuffer: 1 << 26 });
  process.stderr.write(`Installing ${[torch, ...others].join(" ")} into ${folder} (once) …\n`);
  try {
    await run(base, ["-m", "venv", unfinished]);
    await pip(torch); // first and alone, so that the others are content with this build of it
    await pip(...others, torch);
    renameSync(unfinished, folder);
  } catch (error) {
    rmSync(unfinished, { recursive: true, force: true });
    throw new Error(`the Python environment ${folder} could not be installed: ${(error.stderr || error.message).slice(-2000)}`, { cause: error });
  }
}

/** Only one process installs; the others wait for it, unless it died. */
async function withLock(lock, work) {
  mkdirSync(dirname(lock), { recursive: true });
  for (;;) {
    try {
      writeFileSync(lock, String(process.pid), { flag: "wx" });
      break;
    } catch (error) {
      if (error.code !== "EEXIST") throw error;
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

function isStale(lock) {
  try {
    process.kill(Number(readFileSync(lock, "utf8")), 0); // signal 0 only asks
    return Date.now() - statSync(lock).mtimeMs > 2 * INSTALL_MINUTES * 60_000;
  } catch (error) {
    return error.code === "ESRCH";
  }
}
