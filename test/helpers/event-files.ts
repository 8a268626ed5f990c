/** Event files read by hand, from the wire format alone. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** A field of a protobuf message: its number, and a varint, eight or four bytes, or a length-prefixed part. */
export type Field = [number: number, value: bigint | Buffer];

export function fields(message: Buffer): Field[] {
  const found: Field[] = [];
  let at = 0;
  const varint = (): bigint => {
    for (let value = 0n, shift = 0n; ; shift += 7n) {
      const byte = message[at++]!;
      value |= BigInt(byte & 127) << shift;
      if (byte < 128) return value;
    }
  };
  while (at < message.length) {
    const key = Number(varint());
    if ((key & 7) === 0) {
      found.push([key >> 3, varint()]);
      continue;
    }
    const size = { 1: 8, 5: 4 }[key & 7] ?? Number(varint());
    found.push([key >> 3, message.subarray(at, (at += size))]);
  }
  return found;
}

/** The messages of a file's records; the checksums are not looked at. */
export function records(file: string): Buffer[] {
  const bytes = readFileSync(file);
  const found: Buffer[] = [];
  for (let at = 0; at < bytes.length; ) {
    const length = Number(bytes.readBigUInt64LE(at));
    found.push(bytes.subarray(at + 12, at + 12 + length));
    at += 12 + length + 4;
  }
  return found;
}

/** What a folder's files show together: a start forgets the steps from there on. Values to the 7 digits of float32. */
export function eventRecords(folder: string): { step: number; metrics: Record<string, number> }[] {
  const shown: { step: number; metrics: Record<string, number> }[] = [];
  for (const name of readdirSync(folder).sort()) {
    for (const event of records(join(folder, name))) {
      const parts = new Map(fields(event));
      const step = Number(parts.get(2) ?? 0n);
      const summary = parts.get(5) as Buffer | undefined;
      if (parts.has(7)) shown.splice(0, Infinity, ...shown.filter((record) => record.step < step));
      const values = summary ? fields(summary).map(([, value]) => new Map(fields(value as Buffer))) : [];
      const metrics = values.filter((value) => value.has(2)).map((value) => [String(value.get(1) as Buffer), Number((value.get(2) as Buffer).readFloatLE().toPrecision(7))] as const);
      if (metrics.length > 0) shown.push({ step, metrics: Object.fromEntries(metrics) });
    }
  }
  return shown;
}
