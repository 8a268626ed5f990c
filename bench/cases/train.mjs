/** A training of ours, as a user runs it: a configuration, the manager, and a logger that looks at the clock. */
import { join } from "node:path";
import { ConfigError, createManager } from "verlet";
import { begin, finish, given, unavailable } from "./process.mjs";

/** The keys that a case's record asks for. */
const modelKeys = ({ folder, lora, compute, base }) => ({
  path: folder,
  ...(lora && { lora: { r: 16, alpha: 32, dropout: 0, targetModules: "all-linear" } }),
  ...(compute !== "float32" && { computeDtype: compute }),
  ...(base && { baseDtype: base }),
});

/**
 * Trains warm + steps steps and prints the times from the end of one step to the end of the next.
 * @param sections of the YAML, over those that all cases share
 * @param {{ tokens: number, expected: Record<string, number> }} work of one step: its tokens, and metrics that every step
 *   must have, so that both sides do the same
 */
export async function train({ trainer, ...sections }, { tokens, expected }) {
  const { warm, steps, work, backend, checkpointing, compile } = given;
  const config = {
    model: modelKeys(given),
    ...sections,
    trainer: {
      ...trainer,
      maxSteps: warm + steps,
      outputDir: join(work, "output"),
      loggers: ["jsonl"],
      ...(checkpointing && { gradientCheckpointing: true }),
      ...(compile !== undefined && { compile }),
    },
    backend,
  };
  const ends = [];
  const measured = [];
  const watch = {
    step(step, metrics) {
      ends.push(performance.now());
      for (const [name, value] of Object.entries(expected)) if (metrics[name] !== value) throw new Error(`step ${step}: ${name} is ${metrics[name]}, not ${value}`);
      if (step === warm) begin();
      if (step > warm) measured.push(metrics);
      if (step < warm + steps) return;
      const times = ends.slice(warm).map((end, i) => end - ends[warm - 1 + i]);
      finish({ times, tokens, parts: timings(measured), loss: metrics.loss });
    },
    line: (text) => given.verbose && console.error(text),
  };
  const manager = await createManager(config, { loggers: [watch] }).catch((error) => {
    if (error instanceof ConfigError && /unknown key/i.test(error.message)) unavailable(error.message.split("\n")[0]);
    throw error;
  });
  await manager.train();
}

/** Mean ms of the parts that the run measured itself. */
function timings(measured) {
  const names = Object.entries({ sampling: "timing/generate", rewards: "timing/reward" }).filter(([, name]) => name in measured[0]);
  return Object.fromEntries(names.map(([part, name]) => [part, (1000 * measured.reduce((sum, metrics) => sum + metrics[name], 0)) / measured.length]));
}
