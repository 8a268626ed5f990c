/** The Python environment of the peers, at the versions of peers/requirements.txt, installed once into verlet's cache. */
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import util from "node:util";
import { SetupError } from "../scripts/ensure-installed.mjs";

const execute = util.promisify(execFile);
const REQUIREMENTS = fileURLToPath(new URL("./peers/requirements.txt", import.meta.url));
const INSTALL_MINUTES = 30;

export const cacheFolder = () => process.env.VERLET_CACHE ?? join(homedir(), ".cache", "verlet");

/**
 * The interpreter to run the peers with.
 * @returns {Promise<string>}
 */
export async function peerPython() {
  const base = await findPython();
  const hash = createHash("sha256").update(readFileSync(REQUIREMENTS)).update(base.version).digest("hex").slice(0, 12);
  const folder = join(cacheFolder(), `bench-${hash}`);
  if (!existsSync(folder)) await install(base.python, folder);
  return interpreter(folder);
}

const interpreter = (folder) => (process.platform === "win32" ? join(folder, "Scripts", "python.exe") : join(folder, "bin", "python"));

async function findPython() {
  const probe = "import sys, venv, ensurepip; assert sys.version_info >= (3, 11); print(sys.version_info[:2])";
  for (const python of ["python3", "python"]) {
    const found = await execute(python, ["-c", probe]).catch(() => undefined);
    if (found) return { python, version: found.stdout.trim() };
  }
  throw new SetupError("[bench] no Python for the peers: expected Python 3.11 or newer with the venv module. Install it (Debian: apt-get install python3-venv).");
}

/** Under another name first, so that a broken installation is never used. */
async function install(base, folder) {
  const unfinished = `${folder}.${process.pid}.part`;
  const [torch, ...others] = readFileSync(REQUIREMENTS, "utf8").trim().split("\n");
  const pip = (...packages) =>
    execute(interpreter(unfinished), ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", ...packages], { timeout: INSTALL_MINUTES * 60_000, maxBuffer: 1 << 26 });
  process.stderr.write(`Installing ${[torch, ...others].join(" ")} into ${folder} (once) …\n`);
  mkdirSync(cacheFolder(), { recursive: true });
  try {
    await execute(base, ["-m", "venv", unfinished]);
    await pip(torch); // first and alone, so that the others are content with this build of it
    await pip(...others, torch);
    renameSync(unfinished, folder);
  } catch (error) {
    rmSync(unfinished, { recursive: true, force: true });
    if (!existsSync(folder)) throw new SetupError(`[bench] the peers' environment could not be installed: ${(error.stderr ?? error.message).slice(-2000)}`);
  }
}
