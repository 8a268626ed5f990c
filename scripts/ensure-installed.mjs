/**
 * Makes a clone ready to run: `npm ci` when the installed packages are not those of package-lock.json, then a build.
 * Plain JavaScript without dependencies, since it runs before anything is installed.
 */
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

export const root = dirname(dirname(fileURLToPath(import.meta.url)));
const LEAST_NODE = [20, 11];
const MODULES = join(root, "node_modules");
const STAMP = join(MODULES, ".verlet-installed");

/**
 * Throws SetupError, with the failing tool's output and what to do about it.
 * @returns {Promise<void>}
 */
export async function ensureInstalled() {
  const lock = readFileSync(join(root, "package-lock.json"));
  const hash = createHash("sha256").update(lock).digest("hex");
  if (!isInstalled(hash, JSON.parse(lock.toString()))) {
    await step("Installing dependencies (npm ci)", npm(["ci", "--include=dev", "--no-audit", "--no-fund"]), [
      "Check the connection to the npm registry and run the command again; `npm ci` alone shows the same error.",
    ]);
    writeFileSync(STAMP, hash);
  }
  await step("Building (tsc -b)", tsc(["-b"]), ["Correct the errors above; `npm run build` shows them alone."]);
}

/** A failure to be printed without a stack. */
export class SetupError extends Error {}

/** The command line of the installed TypeScript compiler. */
export const tsc = (args) => [process.execPath, [join(MODULES, "typescript", "bin", "tsc"), ...args]];

/** Runs one tool quietly, with a line before and after; its output is shown only when it fails. */
export async function step(title, [command, args], help) {
  const started = performance.now();
  process.stderr.write(`${title} … `);
  const { code, output } = await run(command, args);
  process.stderr.write(code === 0 ? `${((performance.now() - started) / 1000).toFixed(1)} s\n` : "failed\n");
  if (code !== 0) throw new SetupError([output.trimEnd(), `${title} failed (${[command, ...args].join(" ")}: exit ${code}).`, ...help].join("\n"));
}

/** Runs a script's main function under a fitting Node.js; its result becomes the exit status. */
export async function main(work) {
  try {
    checkNode();
    process.exitCode = (await work()) ?? 0;
  } catch (error) {
    process.stderr.write(`${error instanceof SetupError ? error.message : (error?.stack ?? error)}\n`);
    process.exitCode = 1;
  }
}

function checkNode() {
  const [major, minor] = process.versions.node.split(".").map(Number);
  if (major > LEAST_NODE[0] || (major === LEAST_NODE[0] && minor >= LEAST_NODE[1])) return;
  throw new SetupError(
    `[node] this version is too old: got ${process.versions.node}, expected ${LEAST_NODE.join(".")} or newer. ` +
      "Install a current Node.js (22, 24 or 26) and run the command again.",
  );
}

/** Trusts npm's own record of what lies in node_modules when someone ran npm by hand and there is no stamp. */
function isInstalled(hash, lock) {
  if (existsSync(STAMP)) return readFileSync(STAMP, "utf8") === hash;
  const record = join(MODULES, ".package-lock.json");
  if (!existsSync(record)) return false;
  const installed = JSON.parse(readFileSync(record, "utf8")).packages;
  return Object.entries(lock.packages).every(
    ([place, wanted]) => !place.startsWith("node_modules/") || wanted.optional || installed[place]?.version === wanted.version,
  );
}

/** The npm that started this script, else the one on the PATH. */
function npm(args) {
  const cli = process.env.npm_execpath;
  if (cli?.endsWith("npm-cli.js")) return [process.execPath, [cli, ...args]];
  return process.platform === "win32" ? ["cmd", ["/c", "npm", ...args]] : ["npm", args];
}

function run(command, args) {
  return new Promise((resolve) => {
    const child = spawn(command, args, { cwd: root, stdio: ["ignore", "pipe", "pipe"] });
    let output = "";
    for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk) => (output += chunk));
    child.on("error", (error) => resolve({ code: error.code, output: `${command}: ${error.message}` }));
    child.on("close", (code, signal) => resolve({ code: code ?? signal, output }));
  });
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await main(ensureInstalled);
