import { spawn } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const BIN = fileURLToPath(new URL("../../../packages/cli/bin/verlet.js", import.meta.url));

export interface CliResult {
  code: number | null;
  stdout: string;
  stderr: string;
}

export interface CliOptions {
  /** Written to standard input, which is empty without it. */
  input?: string;
  cwd?: string;
  env?: Record<string, string>;
}

/** Runs the built `verlet` as a process of its own. */
export function verlet(args: readonly string[], { input = "", cwd, env }: CliOptions = {}): Promise<CliResult> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [BIN, ...args], { cwd, env: { ...process.env, ...env } });
    let stdout = "";
    let stderr = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => (stdout += text));
    child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
    child.on("error", reject);
    child.on("close", (code) => resolve({ code, stdout, stderr }));
    child.stdin.on("error", () => undefined); // a verb that reads nothing may be gone first
    child.stdin.end(input);
  });
}

/** The same, for a run that must end well: its standard output. */
export async function output(args: readonly string[], options?: CliOptions): Promise<string> {
  const { code, stdout, stderr } = await verlet(args, options);
  if (code !== 0) throw new Error(`verlet ${args.join(" ")} ended with ${code}\n${stdout}\n${stderr}`);
  return stdout;
}

/** One value per line of JSON. */
export async function jsonLines<T>(args: readonly string[], options?: CliOptions): Promise<T[]> {
  return (await output(args, options)).trimEnd().split("\n").map((line) => JSON.parse(line) as T);
}

/** The files that Node loads as code for a command line, as URLs: V8's coverage report names them all. */
export async function loadedModules(args: readonly string[]): Promise<string[]> {
  const folder = mkdtempSync(join(tmpdir(), "verlet-coverage-"));
  await output(args, { env: { NODE_V8_COVERAGE: folder } });
  return readdirSync(folder).flatMap((name) => {
    const report = JSON.parse(readFileSync(join(folder, name), "utf8")) as { result: { url: string }[] };
    return report.result.map(({ url }) => url);
  });
}
