import { describe, expect, test } from "vitest";
import { decodeFloats, encodeFloats } from "@verlet/model";

const floatView = new DataView(new ArrayBuffer(4));
const floatFromBits = (bits: number): number => {
  floatView.setUint32(0, bits);
  return floatView.getFloat32(0);
};
const encode = (value: number, dtype: "F16" | "BF16"): number => new Uint16Array(encodeFloats(Float32Array.of(value), dtype).buffer)[0]!;
const allPatterns = Uint16Array.from({ length: 65536 }, (_, bits) => bits);

describe.each([
  ["F16", 5, 10],
  ["BF16", 8, 7],
] as const)("%s", (dtype, exponentBits, fractionBits) => {
  const bias = 2 ** (exponentBits - 1) - 1;
  const isNan = (bits: number): boolean => ((bits >> fractionBits) & (2 ** exponentBits - 1)) === 2 ** exponentBits - 1 && (bits & (2 ** fractionBits - 1)) !== 0;
  /** The value by the definition of a binary floating-point format (IEEE 754). */
  const valueOf = (bits: number): number => {
    const sign = bits & 0x8000 ? -1 : 1;
    const exponent = (bits >> fractionBits) & (2 ** exponentBits - 1);
    const fraction = (bits & (2 ** fractionBits - 1)) / 2 ** fractionBits;
    if (exponent === 2 ** exponentBits - 1) return fraction ? NaN : sign * Infinity;
    return exponent === 0 ? sign * fraction * 2 ** (1 - bias) : sign * (1 + fraction) * 2 ** (exponent - bias);
  };

  test("all 65,536 patterns have the value that the format defines", () => {
    const numbers = decodeFloats(new Uint8Array(allPatterns.slice().buffer), dtype);
    const wrong = [...allPatterns].filter((bits) => !Object.is(numbers[bits], valueOf(bits)));
    expect(wrong).toEqual([]);
  });

  test("all 65,536 patterns come back from float32; NaNs stay NaNs", () => {
    const bytes = encodeFloats(decodeFloats(new Uint8Array(allPatterns.slice().buffer), dtype), dtype);
    const back = new Uint16Array(bytes.buffer);
    const wrong = [...allPatterns].filter((bits) => (isNan(bits) ? !isNan(back[bits]!) : back[bits] !== bits));
    expect(wrong).toEqual([]);
  });

  test("a number halfway between two neighbours goes to the even one, and just beside it to the nearer", () => {
    const finite = [...allPatterns].filter((bits) => bits < 0x8000 && Number.isFinite(valueOf(bits)) && Number.isFinite(valueOf(bits + 1)));
    const wrong = finite.filter((low) => {
      const middle = Math.fround((valueOf(low) + valueOf(low + 1)) / 2);
      if (middle !== (valueOf(low) + valueOf(low + 1)) / 2) return false; // below float32's own resolution
      floatView.setFloat32(0, middle);
      const bits = floatView.getUint32(0);
      const even = low % 2 === 0 ? low : low + 1;
      return encode(middle, dtype) !== even || encode(-middle, dtype) !== (even | 0x8000) || encode(floatFromBits(bits - 1), dtype) !== low || encode(floatFromBits(bits + 1), dtype) !== low + 1;
    });
    expect(wrong).toEqual([]);
    expect(finite.length).toBe((2 ** exponentBits - 1) * 2 ** fractionBits - 1);
  });

  test("beyond the largest number: half a step above it becomes infinite, anything below that is the largest", () => {
    const infinity = (2 ** exponentBits - 1) << fractionBits;
    const largest = valueOf(infinity - 1);
    const border = largest + (largest - valueOf(infinity - 2)) / 2;
    floatView.setFloat32(0, border);
    expect(encode(border, dtype)).toBe(infinity);
    expect(encode(-border, dtype)).toBe(infinity | 0x8000);
    expect(encode(floatFromBits(floatView.getUint32(0) - 1), dtype)).toBe(infinity - 1);
    expect(encode(3.4028234663852886e38, dtype)).toBe(infinity);
  });
});

test("rounding by hand: bfloat16 keeps 8 bits of the significand, float16 keeps 11", () => {
  expect(encode(1 + 2 ** -8, "BF16")).toBe(0x3f80); // tie between 1 and 1 + 2⁻⁷: even is 1
  expect(encode(1 + 3 * 2 ** -8, "BF16")).toBe(0x3f82); // tie between 1 + 2⁻⁷ and 1 + 2⁻⁶: even is the upper
  expect(encode(1 + 2 ** -11, "F16")).toBe(0x3c00);
  expect(encode(1 + 3 * 2 ** -11, "F16")).toBe(0x3c02);
  expect(encode(2 ** -25, "F16")).toBe(0); // half the least float16
  expect(encode(3 * 2 ** -26, "F16")).toBe(1);
});

test("float32 is copied bit for bit, and unaligned bytes are read too", () => {
  const numbers = Float32Array.of(1.5, -0, Infinity, 1e-45);
  const bytes = encodeFloats(numbers, "F32");
  expect(decodeFloats(bytes, "F32")).toEqual(numbers);
  const shifted = new Uint8Array(bytes.length + 1);
  shifted.set(bytes, 1);
  expect(decodeFloats(shifted.subarray(1), "F32")).toEqual(numbers);
});

test("formats that are not for weights are refused", () => {
  expect(() => decodeFloats(new Uint8Array(8), "I64")).toThrow("not a floating-point format: got I64, expected F32, F16 or BF16.");
  expect(() => encodeFloats(new Float32Array(2), "U8")).toThrow("not a floating-point format: got U8, expected F32, F16 or BF16.");
});
