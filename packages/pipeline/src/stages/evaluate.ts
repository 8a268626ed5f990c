import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { ConfigError, z } from "@verlet/core";
import { DefaultTrainingManager } from "@verlet/manager";
import { configSchema, evaluateSettings, filesOf, readStageConfig } from "../stage-config.js";
import type { StageKind } from "../stage-kind.js";

/** The measurement that a run makes at its end, of any model. */
export const evaluate: StageKind = {
  name: "evaluate",
  doc: "Answers the questions of data.eval greedily and scores the answers by the YAML's rewards.",
  options: z.strictObject({ config: configSchema }),
  outputs: "answers: a file with every question, answer and score, one a line",
  prepare: async (_, setup) => {
    const { name, folder, node } = setup;
    const loaded = await readStageConfig(setup);
    const { config } = loaded;
    if (config.data.eval === undefined) {
      const words = { got: "a config without data.eval", expected: "the rows to ask", fix: "Set data.eval in its config" };
      throw new ConfigError({ where: node.place.where, what: `stage ${name} has nothing to evaluate on`, ...words });
    }
    const answers = join(folder, "answers.jsonl");
    return {
      settings: evaluateSettings(loaded),
      files: filesOf(config, config.data.eval),
      outputs: { answers },
      products: [answers],
      run: async ({ json, line }) => {
        const manager = new DefaultTrainingManager(loaded, { json });
        try {
          const { metrics, details = [] } = await manager.evaluate({ details: true });
          await mkdir(folder, { recursive: true });
          await writeFile(answers, details.map((one) => `${JSON.stringify(one)}\n`).join(""));
          line(`${details.length} questions answered, each with its answer in ${answers}`);
          return { metrics, facts: { questions: details.length } };
        } finally {
          await manager.dispose();
        }
      },
    };
  },
};
