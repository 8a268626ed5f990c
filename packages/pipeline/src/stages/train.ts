import { join } from "node:path";
import { latestCheckpoint } from "@verlet/checkpoint";
import { z, type Json } from "@verlet/core";
import { DefaultTrainingManager } from "@verlet/manager";
import { configSchema, filesOf, modelFiles, readStageConfig, trainSettings } from "../stage-config.js";
import type { StageKind } from "../stage-kind.js";

/** One run of `verlet train`, in the stage's folder; it goes on from its newest checkpoint. */
export const train: StageKind = {
  name: "train",
  doc: "Trains as a YAML of `verlet train` says, in the stage's folder.",
  options: z.strictObject({ config: configSchema }),
  outputs: "model: for another stage's `model:`, the trained model or the base with the adapter; folder",
  prepare: async (_, setup) => {
    const { folder } = setup;
    const loaded = await readStageConfig(setup);
    const { model, data } = loaded.config;
    const isAdapter = model.lora !== undefined || model.adapter !== undefined;
    const trained: Json = { ...(isAdapter ? { path: model.path, adapter: folder } : { path: folder }), init: "pretrained" };
    return {
      settings: trainSettings(loaded),
      files: filesOf(loaded.config, data.train, data.eval),
      outputs: { model: trained, folder },
      products: modelFiles(folder, isAdapter),
      interruptible: true,
      canResume: async () => (await latestCheckpoint(join(folder, "checkpoints"))) !== undefined,
      run: async ({ signal, json }) => {
        const manager = new DefaultTrainingManager(loaded, { json, ...(signal && { signal }) });
        try {
          const { steps, totalSteps, backend, metrics, evaluation, interrupted } = await manager.train();
          return { metrics: { ...metrics, ...evaluation }, facts: { steps, totalSteps, backend }, ...(interrupted && { interrupted: `after step ${steps} of ${totalSteps}` }) };
        } finally {
          await manager.dispose();
        }
      },
    };
  },
};
