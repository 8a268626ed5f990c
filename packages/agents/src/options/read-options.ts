/** Options as people write them: in camelCase or the documents' snake_case, under TRL's names or the tool's. */
import { ConfigError, describeIssues, nearest, z, type ErrorParts } from "@verlet/core";

/** `lora_r` → `loraR`. */
export function camel(key: string): string {
  return key.replace(/(?<=[A-Za-z0-9])_+([A-Za-z0-9])/g, (_, letter: string) => letter.toUpperCase());
}

/** `loraR` → `lora_r`. */
export function snake(key: string): string {
  return key.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

/** The same values under snake_case names. */
export function inSnake(values: object): Record<string, unknown> {
  return Object.fromEntries(Object.entries(values).map(([key, value]) => [snake(key), value]));
}

/** Further names of options, in camelCase. */
export type Aliases = Readonly<Record<string, string>>;

/**
 * The options under their own names, checked; null counts as not given, save where the option itself takes it.
 * @param where how messages name what takes them
 * @throws ConfigError with everything that is wrong: unknown and misspelled options, one that is given twice, wrong values.
 */
export function readOptions<S extends z.ZodObject>(where: string, schema: S, given: unknown, aliases: Aliases = {}): z.output<S> {
  const { values, written, problems } = underOwnNames(where, schema, given, aliases);
  const parsed = schema.safeParse(values);
  if (!parsed.success) {
    problems.push(
      ...parsed.error.issues.flatMap((issue): ErrorParts[] => {
        if (issue.code === "unrecognized_keys" && issue.path.length === 0) return issue.keys.map((key) => unknownOption(where, schema, written.get(key) ?? key, aliases));
        return describeIssues(new z.ZodError([issue]), values).map(({ path, ...words }) => ({ where, what: [written.get(String(path[0])) ?? path[0], ...path.slice(1)].join("."), ...words }));
      }),
    );
  }
  if (problems.length > 0) throw new ConfigError(problems);
  return parsed.data as z.output<S>;
}

function underOwnNames(where: string, schema: z.ZodObject, given: unknown, aliases: Aliases) {
  if (typeof given !== "object" || given === null || Array.isArray(given)) {
    throw new ConfigError({ where, what: "options", got: given === null ? "null" : Array.isArray(given) ? "a list" : `a ${typeof given}`, expected: "an object of options" });
  }
  const values: Record<string, unknown> = {};
  /** How each option was spelled. */
  const written = new Map<string, string>();
  const problems: ErrorParts[] = [];
  for (const [key, value] of Object.entries(given)) {
    const name = aliases[camel(key)] ?? camel(key);
    if (value === undefined || (value === null && !takesNull(schema, name))) continue;
    const first = written.get(name);
    if (first !== undefined) {
      problems.push({ where, what: "one option given twice", got: `\`${first}\` and \`${key}\``, expected: "one of them" });
      continue;
    }
    written.set(name, key);
    values[name] = value;
  }
  return { values, written, problems };
}

/** An unknown option stays, so that it is reported whatever its value; one of any type does not count as taking null. */
function takesNull(schema: z.ZodObject, name: string): boolean {
  const option = (schema.shape as Readonly<Record<string, z.ZodType>>)[name];
  return option === undefined || (option.safeParse(null).success && !option.safeParse(Symbol()).success);
}

function unknownOption(where: string, schema: z.ZodObject, key: string, aliases: Aliases): ErrorParts {
  const known = Object.keys(schema.shape);
  const near = nearest(key, [...known, ...Object.keys(aliases)]);
  const spelled = near !== undefined && key.includes("_") ? snake(near) : near;
  return { where, what: "unknown option", got: `\`${key}\``, expected: `one of ${known.map(snake).join(", ")}`, ...(spelled !== undefined && { fix: `Did you mean \`${spelled}\`?` }) };
}
