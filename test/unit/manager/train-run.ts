import { tf } from "@verlet/backend";
import { createManager } from "@verlet/manager";
import { expect } from "vitest";
import { Recorder } from "./fake-run.js";

/**
 * Trains as a user does, stopping after `stopAfter` as Ctrl+C would; the run leaves no tensor behind.
 * @returns what it told its loggers
 */
export async function trainRun(config: string | Record<string, unknown>, stopAfter = Infinity): Promise<Recorder> {
  const controller = new AbortController();
  const recorder = new Recorder();
  recorder.onStep = (step) => {
    if (step === stopAfter) controller.abort();
  };
  const tensors = tf.memory().numTensors;
  const manager = await createManager(config, { signal: controller.signal, loggers: [recorder] });
  try {
    await manager.train();
  } finally {
    await manager.dispose();
  }
  expect(tf.memory().numTensors).toBe(tensors);
  return recorder;
}
