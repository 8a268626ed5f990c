import { crc32c } from "@aws-crypto/crc32c";

const MASK_DELTA = 0xa282ead8;

/**
 * One record of a TFRecord file: length (uint64), masked CRC of the length (uint32), data, masked CRC of the data (uint32), all
 * little-endian; the CRC is CRC-32C, and masked as TensorFlow's lib/hash/crc32c.h does.
 */
export function tfRecord(data: Uint8Array): Buffer {
  const record = Buffer.alloc(8 + 4 + data.length + 4);
  record.writeBigUInt64LE(BigInt(data.length), 0);
  record.writeUInt32LE(maskedCrc(record.subarray(0, 8)), 8);
  record.set(data, 12);
  record.writeUInt32LE(maskedCrc(data), 12 + data.length);
  return record;
}

function maskedCrc(data: Uint8Array): number {
  const crc = crc32c(data);
  return (((crc >>> 15) | (crc << 17)) + MASK_DELTA) >>> 0;
}
