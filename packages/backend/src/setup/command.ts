/** Running other programs, as a function so that tests can stand in for pip and the compiler. */
import { spawn } from "node:child_process";

export interface CommandResult {
  /** Exit status; 127 where the program does not exist. */
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export type RunCommand = (
  program: string,
  args: readonly string[],
  options?: { env?: Record<string, string>; cwd?: string },
) => Promise<CommandResult>;

export const runCommand: RunCommand = (program, args, { env, cwd } = {}) =>
  new Promise((resolve) => {
    const child = spawn(program, args, { env: { ...process.env, ...env }, cwd, stdio: ["ignore", "pipe", "pipe"] });
    let stdout = "";
    let stderr = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => (stdout += text));
    child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
    child.on("error", (error) => resolve({ code: 127, stdout, stderr: error.message }));
    child.on("close", (code, signal) => resolve({ code: code ?? 1, stdout, stderr: signal ? `${stderr}\nended by ${signal}` : stderr }));
  });

/** The last lines of what a failed program wrote, for an error message. */
export function lastWords({ stdout, stderr, code }: CommandResult, lines = 4): string {
  const text = (stderr.trim() || stdout.trim()).split("\n").slice(-lines).join(" | ");
  return text ? `exit status ${code}: ${text}` : `exit status ${code}`;
}
