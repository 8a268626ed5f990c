/** What becomes of each of VERL's keys. A file in VERL's shape is translated by nothing but these rules. */
import { z } from "zod";
import type { VerlTranslation } from "./verl-translation.js";

export interface VerlRule<T = unknown> {
  /** As VERL writes it: `data.train_batch_size`; `ray_kwargs.*` stands for everything below. */
  readonly key: string;
  readonly type: z.ZodType<T>;
  /** verl's own value where the file says nothing. */
  readonly fallback: T;
  /** The key of verlet's that it goes to. */
  readonly ours?: string;
  /** How it is read, or why nothing of verlet's corresponds to it. */
  readonly remark?: string;
  /** Nothing corresponds to it and no result depends on it: a note says so where it is written. */
  readonly idle?: boolean;
  /** Takes the value over. A rule without it is read by others. */
  put?(value: T, translation: VerlTranslation, rule: VerlRule<T>): void;
}

export const text = z.string().min(1);
export const flag = z.boolean();
export const number = z.number();
export const whole = z.int();
export const anything: z.ZodType<unknown> = z.unknown();
/** A list, or one of its elements in place of a list of one. */
export const oneOrMany = z.union([text, z.array(text).min(1)]);

/** The value goes to a key of verlet's; what `convert` makes undefined is left out. */
export function to<T>(
  key: string,
  ours: string,
  type: z.ZodType<T>,
  fallback: T,
  { remark, convert = (value) => value }: { remark?: string; convert?: (value: T, translation: VerlTranslation) => unknown } = {},
): VerlRule<T> {
  return {
    key,
    ours,
    type,
    fallback,
    ...(remark !== undefined && { remark }),
    put: (value, translation, rule) => translation.set(ours, convert(value, translation), rule),
  };
}

/** Read by other rules, or by its own `put`. */
export function read<T>(key: string, ours: string, type: z.ZodType<T>, fallback: T, remark: string, put?: VerlRule<T>["put"]): VerlRule<T> {
  return { key, ours, type, fallback, remark, ...(put && { put }) };
}

/** Keys on which no result depends. @param reason ends the sentence "no counterpart: …". */
export function idle(reason: string, ...keys: readonly string[]): VerlRule[] {
  return keys.map((key) => ({ key, type: anything, fallback: undefined, remark: reason, idle: true }));
}

/**
 * A switch of something that verlet does not have: only the values that leave it off are taken.
 * @param reason what anything else would ask for.
 */
export function only(key: string, allowed: readonly (string | number | boolean)[], reason: string, fix?: string): VerlRule {
  return {
    key,
    type: anything,
    fallback: undefined,
    remark: `only ${allowed.length > 0 ? allowed.join(", ") : "null"}: ${reason}`,
    put: (value, translation, rule) => {
      if (isOff(value) || allowed.includes(value as string)) return;
      const expected = allowed.length > 0 ? allowed.map((one) => `\`${one}\``).join(" or ") : "null";
      translation.refuse(rule, { what: `${key} asks for something that verlet does not do: ${reason}`, expected, ...(fix !== undefined && { fix }) });
    },
  };
}

/** Null, or a mapping that holds nothing but such. */
function isOff(value: unknown): boolean {
  if (value === undefined || value === null) return true;
  return typeof value === "object" && Object.values(value).every(isOff);
}
