import { TrainingError, type AdvantageInput } from "@verlet/core";

type Optional = { [K in keyof AdvantageInput]-?: undefined extends AdvantageInput[K] ? K : never }[keyof AdvantageInput];

/**
 * An input that is there only where the algorithm provides it. `needs` in the registration has the configuration checked;
 * this words the error of a trainer that promised it and did not bring it.
 */
export function neededInput<K extends Optional>(input: AdvantageInput, key: K, estimator: string): NonNullable<AdvantageInput[K]> {
  const value = input[key];
  if (value !== undefined) return value as NonNullable<AdvantageInput[K]>;
  throw new TrainingError({
    where: `advantage ${estimator}`,
    what: `the batch has no \`${key}\``,
    got: `only ${Object.keys(input).join(", ")}`,
    fix: "Use an algorithm that provides it",
  });
}
