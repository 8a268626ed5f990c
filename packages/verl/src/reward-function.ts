/** The forms a reward function may have, told apart by how it is handed over and never by its parameters. */
import { registerReward, RewardError, showValue, type RewardFn, type RewardSample } from "@verlet/core";
import { dataSourceOf, extraInfoOf, fromComputeScore, groundTruthOf, type ComputeScore } from "@verlet/data";
import { registeredName, remember, scriptName } from "./originals.js";

/** What a reward function is told beside the two texts. The reward's own options stand beside these. */
export interface RewardArguments {
  /** The row's `reward_model.ground_truth`, or its answer column. */
  readonly groundTruth: unknown;
  /** The row's `data_source`. */
  readonly dataSource: string | undefined;
  /** The row's `extra_info`; empty where there is none. */
  readonly extraInfo: Readonly<Record<string, unknown>>;
  /** The whole row. */
  readonly row: RewardSample["row"];
  /** Whether a stop token ended the response. */
  readonly finished: boolean;
  readonly step: number;
  /** Aborted when the reward's timeout passes or the run is stopped. */
  readonly signal: AbortSignal;
  readonly [option: string]: unknown;
}

/**
 * A reward function in the form of VERL's training manager, `(input_text, response_text, **kwargs)`: the prompt as the model
 * saw it, the completion, and the rest by name. null = this sample cannot be scored.
 */
export type TextReward = (inputText: string, responseText: string, kwargs: RewardArguments) => number | null | Promise<number | null>;

/** What `rewardFunction` may be. A function by itself has the form of the training manager's document. */
export type RewardFunctionChoice =
  | TextReward
  /** VERL's `compute_score(data_source, solution_str, ground_truth, extra_info)`. */
  | { readonly computeScore: ComputeScore }
  /** verlet's own form, `(sample, context)`. */
  | { readonly reward: RewardFn }
  /** The name of a registered reward. */
  | string;

/** A text reward as a reward of verlet's. */
export function fromTextReward(reward: TextReward): RewardFn {
  return (sample, { options, step, signal }) => {
    const { row, answer, finished } = sample;
    const facts = { groundTruth: groundTruthOf(row) ?? answer, dataSource: dataSourceOf(row), extraInfo: extraInfoOf(row), row, finished, step, signal };
    return reward(sample.prompt, sample.completion, { ...options, ...facts });
  };
}

/**
 * The name under which the choice is registered; a function that is not yet is registered under its own.
 * @param source the file that hands it over
 * @throws RewardError for anything that is none of the forms.
 */
export function nameOfReward(choice: RewardFunctionChoice, source: string): string {
  if (typeof choice === "string") return choice;
  const [written, adapt] = formOf(choice);
  const known = registeredName("reward", written);
  if (known !== undefined) return known;
  const name = scriptName("reward", written);
  registerReward(name, { doc: "A function given to the training manager.", source })(remember(adapt(), written));
  return name;
}

/** The function as written, and as a reward of verlet's. */
function formOf(choice: Exclude<RewardFunctionChoice, string>): [written: Function, adapt: () => RewardFn] {
  if (typeof choice === "function") {
    if (choice.length > 3) {
      throw new RewardError({
        where: "rewardFunction",
        what: "a function by itself is called with (inputText, responseText, kwargs)",
        got: `one with ${choice.length} parameters`,
        fix: "Hand VERL's compute_score over as { computeScore: yourFunction }",
      });
    }
    return [choice, () => fromTextReward(choice)];
  }
  if (typeof choice === "object" && choice !== null) {
    if ("computeScore" in choice && typeof choice.computeScore === "function") return [choice.computeScore, () => fromComputeScore(choice.computeScore)];
    // A function of its own: the same one may be registered by the user under another name as well.
    if ("reward" in choice && typeof choice.reward === "function") return [choice.reward, () => (sample, context) => choice.reward(sample, context)];
  }
  throw new RewardError({ where: "rewardFunction", what: "this is no reward function", got: showValue(choice), expected: "a function, { computeScore }, { reward }, or the name of a registered reward" });
}
