import { ModelError } from "@verlet/core";

/** Number formats of weight files. Computation is float32. */
export type WeightDtype = "float32" | "float16" | "bfloat16";

export type SafetensorsDtype = "F32" | "F16" | "BF16" | "I32" | "I64" | "U8" | "BOOL";

export const bytesPerElement: Readonly<Record<SafetensorsDtype, number>> = { F32: 4, F16: 2, BF16: 2, I32: 4, I64: 8, U8: 1, BOOL: 1 };

export const toSafetensorsDtype: Readonly<Record<WeightDtype, SafetensorsDtype>> = { float32: "F32", float16: "F16", bfloat16: "BF16" };

/** undefined for what is no floating-point format. */
export const toWeightDtype = (dtype: SafetensorsDtype): WeightDtype | undefined => weightDtypes.find((name) => toSafetensorsDtype[name] === dtype);

export const weightDtypes = Object.keys(toSafetensorsDtype) as WeightDtype[];

/** Little-endian bytes of a weight as float32 numbers. */
export function decodeFloats(bytes: Uint8Array, dtype: SafetensorsDtype): Float32Array {
  const aligned = bytes.byteOffset % bytesPerElement[dtype] === 0 ? bytes : bytes.slice();
  const { buffer, byteOffset, byteLength } = aligned;
  switch (dtype) {
    case "F32":
      return new Float32Array(buffer, byteOffset, byteLength / 4);
    case "BF16":
      return fromBfloat16(new Uint16Array(buffer, byteOffset, byteLength / 2));
    case "F16":
      return fromFloat16(new Uint16Array(buffer, byteOffset, byteLength / 2));
    default:
      throw notFloat(dtype);
  }
}

/** float32 numbers as little-endian bytes of the given format, rounded to nearest even. */
export function encodeFloats(numbers: Float32Array, dtype: SafetensorsDtype): Uint8Array {
  switch (dtype) {
    case "F32":
      return new Uint8Array(numbers.buffer, numbers.byteOffset, numbers.byteLength);
    case "BF16":
      return new Uint8Array(toBfloat16(numbers).buffer);
    case "F16":
      return new Uint8Array(toFloat16(numbers).buffer);
    default:
      throw notFloat(dtype);
  }
}

const notFloat = (dtype: SafetensorsDtype): ModelError =>
  new ModelError({ where: "weights", what: "not a floating-point format", got: dtype, expected: "F32, F16 or BF16" });

function fromBfloat16(halves: Uint16Array): Float32Array {
  const bits = new Uint32Array(halves.length);
  for (let i = 0; i < halves.length; i++) bits[i] = halves[i]! << 16;
  return new Float32Array(bits.buffer);
}

function toBfloat16(numbers: Float32Array): Uint16Array {
  const bits = new Uint32Array(numbers.buffer, numbers.byteOffset, numbers.length);
  const halves = new Uint16Array(numbers.length);
  for (let i = 0; i < bits.length; i++) {
    const word = bits[i]!;
    const isNan = (word & 0x7fffffff) > 0x7f800000;
    halves[i] = isNan ? (word >>> 16) | 0x40 : (word + 0x7fff + ((word >>> 16) & 1)) >>> 16;
  }
  return halves;
}

/** All 65,536 values once; a table beats bit work for large files. */
let float16Table: Float32Array | undefined;

function fromFloat16(halves: Uint16Array): Float32Array {
  const table = (float16Table ??= Float32Array.from({ length: 65536 }, (_, bits) => float16Value(bits)));
  const numbers = new Float32Array(halves.length);
  for (let i = 0; i < halves.length; i++) numbers[i] = table[halves[i]!]!;
  return numbers;
}

function float16Value(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  if (exponent === 31) return fraction ? NaN : sign * Infinity;
  return exponent === 0 ? sign * fraction * 2 ** -24 : sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

function toFloat16(numbers: Float32Array): Uint16Array {
  const halves = new Uint16Array(numbers.length);
  for (let i = 0; i < numbers.length; i++) halves[i] = float16Bits(numbers[i]!);
  return halves;
}

function float16Bits(value: number): number {
  const sign = value < 0 || Object.is(value, -0) ? 0x8000 : 0;
  const size = Math.abs(value);
  if (Number.isNaN(value)) return 0x7e00;
  if (size >= 65520) return sign | 0x7c00;
  const exponent = Math.max(-14, Math.floor(Math.log2(size)));
  const unit = 2 ** (exponent - 10);
  const steps = roundHalfEven(size / unit); // at most 2048, which carries into the exponent by itself
  return size < 2 ** -25 ? sign : sign | (steps + (exponent + 14) * 1024);
}

function roundHalfEven(x: number): number {
  const floor = Math.floor(x);
  const rest = x - floor;
  return rest > 0.5 || (rest === 0.5 && floor % 2 === 1) ? floor + 1 : floor;
}
