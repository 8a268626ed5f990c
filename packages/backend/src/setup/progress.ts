/** How a download in progress is shown. */
import type { OnBytes } from "./download.js";

const megabytes = (bytes: number): string => `${Math.round(bytes / 1e6)} MB`;

const describe = (file: string, done: number, total: number | undefined): string =>
  total === undefined ? `${file}: ${megabytes(done)}` : `${file}: ${megabytes(done)} of ${megabytes(total)} (${Math.floor((100 * done) / total)} %)`;

/** One line rewritten in place, for a terminal. */
export function terminalProgress(stream: NodeJS.WriteStream): OnBytes {
  return (file, done, total) => stream.write(`\r\u001b[K  ${describe(file, done, total)}`);
}

/** A new line at every quarter of a file of known size, for logs. */
export function lineProgress(log: (line: string) => void): OnBytes {
  const shown = new Map<string, number>();
  return (file, done, total) => {
    const quarter = total === undefined ? 0 : Math.floor((4 * done) / total);
    if (quarter <= (shown.get(file) ?? 0)) return;
    shown.set(file, quarter);
    log(`  ${describe(file, done, total)}`);
  };
}
