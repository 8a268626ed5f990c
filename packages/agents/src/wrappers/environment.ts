/** The documents' small helpers around a run. */
import { mkdir } from "node:fs/promises";
import { ConfigError } from "@verlet/core";
import { getDeviceInfo, type DeviceInfo } from "../train/device.js";
import type { TrainResult } from "../train/run-training.js";
import { TrainingConfig } from "./training-config.js";

/** Makes the output folder and chooses the backend. @throws ConfigError for something that is no TrainingConfig; BackendError */
export async function setupTrainingEnvironment(config: TrainingConfig = new TrainingConfig()): Promise<DeviceInfo & { outputDir: string }> {
  if (!(config instanceof TrainingConfig)) throw new ConfigError({ where: "setupTrainingEnvironment", what: "config", got: typeof config, expected: "a TrainingConfig" });
  const outputDir = config.options.outputDir!;
  await mkdir(outputDir, { recursive: true });
  return { ...(await getDeviceInfo()), outputDir };
}

/** `1h 2m 3s`, `2m 3s`, `3s`. @throws ConfigError for a time that is none. */
export function formatTrainingTime(seconds: number): string {
  if (!(seconds >= 0)) throw new ConfigError({ where: "formatTrainingTime", what: "seconds", got: String(seconds), expected: "a number from 0 on" });
  const whole = Math.floor(seconds);
  const [hours, minutes, rest] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  if (hours > 0) return `${hours}h ${minutes}m ${rest}s`;
  return minutes > 0 ? `${minutes}m ${rest}s` : `${rest}s`;
}

/** What a run did, a line each; printed, unless `write` takes it. */
export function printTrainingSummary(result: TrainResult, write: (text: string) => void = (text) => void process.stdout.write(text)): void {
  const { algorithm, modelName, outputDir, numSamples, numEpochs, useLora, steps, totalSteps, finalLoss, averageReward, seconds, backend, interrupted } = result;
  const lines: [string, string | undefined][] = [
    ["algorithm", algorithm],
    ["model", modelName],
    ["samples", String(numSamples)],
    ["epochs", String(numEpochs)],
    ["LoRA", useLora ? "yes" : "no"],
    ["steps", `${steps} of ${totalSteps}${interrupted ? ", stopped early" : ""}`],
    ["final loss", finalLoss?.toFixed(4)],
    ["mean reward", averageReward?.toFixed(4)],
    ["time", `${formatTrainingTime(seconds)} on ${backend}`],
    ["model saved in", outputDir],
  ];
  write(`${lines.flatMap(([name, value]) => (value === undefined ? [] : [`${name.padEnd(14)}  ${value}`])).join("\n")}\n`);
}
