/** How a set-up in progress is shown. */
import type { OnBytes } from "./download.js";

export interface Progress {
  readonly log: (line: string) => void;
  readonly onBytes: OnBytes;
}

const megabytes = (bytes: number): string => `${Math.round(bytes / 1e6)} MB`;

const describe = (file: string, done: number, total: number | undefined): string =>
  total === undefined ? `${file}: ${megabytes(done)}` : `${file}: ${megabytes(done)} of ${megabytes(total)} (${Math.floor((100 * done) / total)} %)`;

/** For a terminal: the bytes of the current file in a line that is rewritten in place. */
export function terminalProgress(stream: { write(text: string): unknown }): Progress {
  const startOfLine = "\r\u001b[K";
  return {
    log: (line) => void stream.write(`${startOfLine}${line}\n`),
    onBytes: (file, done, total) => void stream.write(`${startOfLine}  ${describe(file, done, total)}`),
  };
}

/** For logs: a new line at every quarter of a file of known size. */
export function lineProgress(log: (line: string) => void): Progress {
  const shown = new Map<string, number>();
  return {
    log,
    onBytes: (file, done, total) => {
      const quarter = total === undefined ? 0 : Math.floor((4 * done) / total);
      if (quarter <= (shown.get(file) ?? 0)) return;
      shown.set(file, quarter);
      log(`  ${describe(file, done, total)}`);
    },
  };
}

/** Without a log of the caller's: standard error, in place where it is a terminal. */
export function defaultProgress(log: ((line: string) => void) | undefined): Progress {
  if (log) return lineProgress(log);
  return process.stderr.isTTY ? terminalProgress(process.stderr) : lineProgress((line) => void process.stderr.write(`${line}\n`));
}
