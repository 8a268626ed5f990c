import type { Json, PolicyBatch } from "@verlet/core";

/** A batch as JSON, its numbers bit for bit. */
export type EncodedBatch = { [key: string]: Json };
type HostArray = Float32Array | Int32Array;

/** The [B, C] arrays that a batch may hold beyond one update. */
export const batchArrays = ["mask", "sampledLogProbs", "oldLogProbs", "refLogProbs", "advantages", "values", "returns"] as const;

const toBase64 = ({ buffer, byteOffset, byteLength }: HostArray): string => Buffer.from(buffer, byteOffset, byteLength).toString("base64");

function fromBase64(text: string): ArrayBuffer {
  const bytes = Buffer.from(text, "base64");
  return bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength) as ArrayBuffer;
}

export function encodeBatch(batch: PolicyBatch): EncodedBatch {
  const { tokens, completionWidth, promptLengths } = batch;
  return {
    completionWidth,
    rows: tokens.rows,
    width: tokens.width,
    ids: toBase64(tokens.ids),
    lengths: toBase64(tokens.lengths),
    promptLengths: toBase64(promptLengths),
    ...Object.fromEntries(batchArrays.flatMap((key) => (batch[key] ? [[key, toBase64(batch[key])]] : []))),
  };
}

export function decodeBatch(saved: EncodedBatch): PolicyBatch {
  const ints = (key: string): Int32Array => new Int32Array(fromBase64(saved[key] as string));
  const arrays = Object.fromEntries(batchArrays.flatMap((key) => (key in saved ? [[key, new Float32Array(fromBase64(saved[key] as string))]] : [])));
  return {
    tokens: { ids: ints("ids"), lengths: ints("lengths"), rows: saved["rows"] as number, width: saved["width"] as number },
    completionWidth: saved["completionWidth"] as number,
    promptLengths: ints("promptLengths"),
    ...(arrays as Pick<PolicyBatch, (typeof batchArrays)[number]>),
  };
}
