import { createComponent, OPTIONS, inject, registerReward, RewardError, z, type Reward, type RewardContext, type RewardFn, type RewardSample } from "@verlet/core";
import { dataSourceOf } from "@verlet/data";

const options = z.strictObject({
  sources: z.record(z.string(), z.string()).default({}).describe("further data sources, each with the name of a reward: { my/data: accuracy }"),
});

/** verl's scorers by data source (`default_compute_score`), as far as verlet has them. */
const scorers: readonly (readonly [source: RegExp, reward: string])[] = [
  [/^openai\/gsm8k$/, "gsm8k"],
  [/^(lighteval\/MATH|DigitalLearningGmbH\/MATH-lighteval|HuggingFaceH4\/MATH-500)$/, "math_boxed"],
  [/^(math_dapo|math|math_dapo_reasoning|aime.*)$/, "math_dapo"],
];

/**
 * The reward that verl takes where no function is configured: each row's `data_source` names its scorer. A source that
 * is unknown, or whose scorer verlet does not have (numina, code, searchR1), fails and says so, as verl's does.
 */
@registerReward("by_data_source", { options, doc: "The scorer that verl uses for the row's data_source: gsm8k, math_boxed or math_dapo." })
export class ByDataSource implements Reward {
  readonly #sources: Readonly<Record<string, string>>;
  readonly #made = new Map<string, RewardFn>();

  constructor(@inject(OPTIONS) { sources }: z.infer<typeof options>) {
    this.#sources = sources;
  }

  score(sample: RewardSample, context: RewardContext): ReturnType<RewardFn> {
    return this.#scorerOf(sample)(sample, context);
  }

  #scorerOf({ row }: RewardSample): RewardFn {
    const source = dataSourceOf(row);
    const name = source === undefined ? undefined : (this.#sources[source] ?? scorers.find(([pattern]) => pattern.test(source))?.[1]);
    if (name === undefined) {
      throw new RewardError({
        where: "reward",
        what: source === undefined ? "the row has no data_source" : "no scorer for this data_source",
        got: source === undefined ? `columns ${Object.keys(row).join(", ")}` : JSON.stringify(source),
        expected: "openai/gsm8k, lighteval/MATH, math_dapo, aime…, or one under the option `sources`",
        fix: "Name a reward for it in `sources`, or set another reward",
      });
    }
    const known = this.#made.get(name);
    if (known) return known;
    const { score } = createComponent("reward", name);
    if (!score) throw new RewardError({ where: "reward", what: `the scorer ${name} takes whole batches`, expected: "one that takes single samples" });
    this.#made.set(name, score);
    return score;
  }
}
