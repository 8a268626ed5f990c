/** The tool's replies, in the documents' fields and number formats. */
import type { EvaluationResult } from "../evaluate/run-evaluation.js";
import { inSnake } from "../options/read-options.js";
import type { TrainResult } from "../train/run-training.js";

export type Reply = Readonly<Record<string, unknown>>;

/** `45.00%` */
export const percent = (share: number): string => `${(share * 100).toFixed(2)}%`;
/** `0.4500` */
export const decimals = (value: number): string => value.toFixed(4);

/** The documents' fields first, then what happened. */
export function trainReply({ algorithm, modelName, outputDir, numSamples, numEpochs, useLora, metrics, evaluation, ...rest }: TrainResult): Reply {
  return {
    status: "success",
    algorithm,
    model_name: modelName,
    output_dir: outputDir,
    num_samples: numSamples,
    num_epochs: numEpochs,
    use_lora: useLora,
    ...inSnake(rest),
    metrics,
    ...(evaluation && { evaluation }),
  };
}

export function evaluateReply({ modelPath, numSamples, accuracy, averageReward, accuracyAtK, formatCorrectness, perSource, averageLength, averageSteps, device, details, unscored, k, ...rest }: EvaluationResult): Reply {
  return {
    status: "success",
    model_path: modelPath,
    num_samples: numSamples,
    ...(accuracy !== undefined && { accuracy: percent(accuracy) }),
    ...(averageReward !== undefined && { average_reward: decimals(averageReward) }),
    device,
    ...(accuracyAtK !== undefined && { accuracy_at_k: percent(accuracyAtK), k }),
    ...(averageLength !== undefined && { average_length: round(averageLength) }),
    ...(averageSteps !== undefined && { average_steps: round(averageSteps) }),
    ...(formatCorrectness !== undefined && { format_correctness: percent(formatCorrectness) }),
    ...(perSource && { per_source: Object.fromEntries(Object.entries(perSource).map(([source, one]) => [source, { accuracy: percent(one.accuracy), num_samples: one.num_samples }])) }),
    ...(unscored > 0 && { unscored }),
    ...inSnake(rest),
    ...(details && { details }),
  };
}

const round = (value: number): number => Math.round(value * 100) / 100;
