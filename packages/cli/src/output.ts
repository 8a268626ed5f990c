/** Writing to the terminal: results on standard output, remarks on standard error. */
import pc from "picocolors";

type Colors = ReturnType<typeof pc.createColors>;

/** Colours for a stream: none where it is no terminal or NO_COLOR is set. */
export function styles(stream: { isTTY?: boolean } = process.stdout): Colors {
  return pc.createColors(stream.isTTY === true && !process.env.NO_COLOR);
}

export function print(text: string): void {
  process.stdout.write(`${text}\n`);
}

export function printJson(value: unknown): void {
  print(JSON.stringify(value));
}

/** For people who watch; a program that reads standard output never sees it. */
export function note(text: string): void {
  process.stderr.write(`${text}\n`);
}

/** A count that is redrawn in place on a terminal and not shown elsewhere; an empty text wipes it. */
export function progress(text: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\u001b[2K${text}`);
}

/** At most four significant digits: `0.6412`, `12`, `2e-4`. */
export function compact(value: number): string {
  if (Number.isInteger(value) && Math.abs(value) < 1e6) return String(value);
  const size = Math.abs(value);
  if (size >= 1e6 || size < 1e-3) return value.toExponential(2).replace(/\.?0*e\+?/, "e");
  return String(Number(value.toPrecision(4)));
}

/** The shortest decimal that rounds back to the same float32, as a number for JSON. */
export function float32(value: number): number {
  for (let digits = 6; digits < 9; digits++) {
    const short = Number(value.toPrecision(digits));
    if (Math.fround(short) === value) return short;
  }
  return Number(value.toPrecision(9));
}

/** Left-aligned columns two spaces apart; the last one runs free. */
export function table(rows: readonly (readonly string[])[]): string {
  const columns = Math.max(0, ...rows.map((row) => row.length));
  const widths = Array.from({ length: columns }, (_, i) => Math.max(...rows.map((row) => (row[i] ?? "").length)));
  const line = (row: readonly string[]): string => row.map((cell, i) => (i === row.length - 1 ? cell : cell.padEnd(widths[i]!))).join("  ");
  return rows.map((row) => line(row).trimEnd()).join("\n");
}
