import { ConfigError, describeIssues, nearest, z } from "@verlet/core";

const schema = z.strictObject({
  dataPath: z.string().min(1).optional(),
  outputDir: z.string().min(1).optional(),
  epochs: z.int().min(1).optional(),
  batchSize: z.int().min(1).optional(),
  learningRate: z.number().gt(0).optional(),
  evalInterval: z.int().min(0).optional(),
  saveInterval: z.int().min(0).optional(),
});

/**
 * What one call of `train` sets over the configuration. Intervals count optimizer steps; 0 = only at the end. `epochs` also
 * takes away a number of steps that the configuration sets.
 */
export type TrainOptions = z.infer<typeof schema>;

/** What each option is among verlet's overrides. */
const overridesOf: Readonly<Record<Exclude<keyof TrainOptions, "dataPath" | "outputDir">, (value: number) => string[]>> = {
  epochs: (count) => [`trainer.epochs=${count}`, "trainer.maxSteps=null"],
  batchSize: (prompts) => [`trainer.batchSize=${prompts}`],
  learningRate: (rate) => [`optimizer.learningRate=${rate}`],
  evalInterval: (steps) => [`trainer.evalEvery=${steps}`],
  saveInterval: (steps) => [`trainer.saveEvery=${steps}`],
};

/** @throws ConfigError with everything that is wrong. */
export function readTrainOptions(options: unknown): { dataPath?: string; outputDir?: string; overrides: string[] } {
  const { dataPath, outputDir, ...rest } = checkOptions("train", schema, options);
  const overrides = Object.entries(rest).flatMap(([option, value]) => (value === undefined ? [] : overridesOf[option as keyof typeof overridesOf](value)));
  return { ...(dataPath !== undefined && { dataPath }), ...(outputDir !== undefined && { outputDir }), overrides };
}

/** The options, checked. @throws ConfigError with everything that is wrong, and the nearest name of an unknown one. */
export function checkOptions<S extends z.ZodObject>(where: string, options: S, given: unknown): z.output<S> {
  const parsed = options.safeParse(given ?? {});
  if (parsed.success) return parsed.data;
  const known = Object.keys(options.shape);
  throw new ConfigError(
    parsed.error.issues.flatMap((issue) => {
      if (issue.code !== "unrecognized_keys") {
        return describeIssues(new z.ZodError([issue]), given).map(({ path, ...words }) => ({ where, what: path.join(".") || "options", ...words }));
      }
      return issue.keys.map((key) => {
        const near = nearest(key, known);
        return { where, what: "unknown option", got: `\`${key}\``, expected: `one of ${known.join(", ")}`, ...(near && { fix: `Did you mean \`${near}\`?` }) };
      });
    }),
  );
}
