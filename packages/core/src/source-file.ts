/** Finds the file a part was registered from, and the package that file belongs to. */
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** Shown where the stack names no file, as in a REPL. */
export const UNKNOWN_SOURCE = "(unknown file)";

/** The file that called `below`; code loaded by jiti keeps its `.ts` path. */
export function callerFile(below: Function): string {
  const { prepareStackTrace, stackTraceLimit } = Error;
  let sites: NodeJS.CallSite[] = [];
  try {
    Error.stackTraceLimit = 20;
    Error.prepareStackTrace = (_, callSites) => (sites = callSites);
    const holder: { stack?: unknown } = {};
    Error.captureStackTrace(holder, below);
    void holder.stack; // reading it is what calls prepareStackTrace
  } finally {
    Error.prepareStackTrace = prepareStackTrace;
    Error.stackTraceLimit = stackTraceLimit;
  }
  for (const site of sites) {
    const file = site.getFileName();
    if (!file || file.startsWith("node:")) continue;
    if (file.startsWith("file:")) return fileURLToPath(file.replace(/[?#].*$/, ""));
    if (file.startsWith("/") || /^[A-Za-z]:[\\/]/.test(file)) return file;
  }
  return UNKNOWN_SOURCE;
}

export interface PackageInfo {
  name: string;
  version: string;
}

const NO_PACKAGE: PackageInfo = { name: "", version: "" };
const packageOfFolder = new Map<string, PackageInfo>();

/** The nearest package.json that has a name, upwards from the file; empty strings where there is none. */
export function packageOf(file: string): PackageInfo {
  return file === UNKNOWN_SOURCE ? NO_PACKAGE : packageAt(dirname(file));
}

function packageAt(folder: string): PackageInfo {
  const known = packageOfFolder.get(folder);
  if (known) return known;
  const parent = dirname(folder);
  const info = readPackage(join(folder, "package.json")) ?? (parent === folder ? NO_PACKAGE : packageAt(parent));
  packageOfFolder.set(folder, info);
  return info;
}

function readPackage(file: string): PackageInfo | undefined {
  if (!existsSync(file)) return undefined;
  try {
    const { name, version } = JSON.parse(readFileSync(file, "utf8")) as Partial<PackageInfo>;
    return name ? { name, version: version ?? "" } : undefined;
  } catch {
    return undefined; // a broken package.json is not for a registration to report
  }
}
