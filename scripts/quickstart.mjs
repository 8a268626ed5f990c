/** `npm run quickstart`: installs and builds what is missing, then runs the quickstart program of packages/cli. */
import { join } from "node:path";
import util from "node:util";
import { ensureInstalled, main, root, SetupError } from "./ensure-installed.mjs";

const HELP = `Trains a small model on additions, first by SFT and then by GRPO, and shows what it learned.

  npm run quickstart -- [options]

  --native         set up the native backend first (verlet setup), then train on it
  --backend NAME   auto, native, tfjs-node-gpu, tfjs-node, wasm or cpu (default: the best one present)
  --seed N         seed of the model and of every random choice (default: 42)
  --sft-steps N    fewer or more SFT steps (default: 300)
  --grpo-steps N   fewer or more GRPO steps (default: 40)
  --output DIR     where everything is written (default: output/quickstart)
  --json           end with one line of JSON on stdout; the rest goes to stderr
  --help           this text

Example: npm run quickstart -- --native --seed 7`;

const started = performance.now();

await main(async () => {
  const options = readOptions();
  if (options.help) {
    console.log(HELP);
    return 0;
  }
  await ensureInstalled();
  const { quickstart } = await import("../packages/cli/dist/quickstart/index.js");
  return quickstart({ ...options, configs: join(root, "configs"), setupSeconds: () => (performance.now() - started) / 1000 });
});

function readOptions() {
  let values;
  try {
    values = util.parseArgs({
      options: {
        native: { type: "boolean", default: false },
        json: { type: "boolean", default: false },
        help: { type: "boolean", short: "h", default: false },
        backend: { type: "string" },
        seed: { type: "string" },
        "sft-steps": { type: "string" },
        "grpo-steps": { type: "string" },
        output: { type: "string" },
      },
    }).values;
  } catch (error) {
    throw new SetupError(`[quickstart] ${error.message}\n\n${HELP}`);
  }
  if (values.native && values.backend && values.backend !== "native") {
    throw new SetupError(`[quickstart] two backends asked for: got --native and --backend ${values.backend}, expected one of them.`);
  }
  return {
    native: values.native,
    json: values.json,
    help: values.help,
    backend: values.native ? "native" : values.backend,
    seed: wholeNumber(values, "seed", 0),
    sftSteps: wholeNumber(values, "sft-steps", 1),
    grpoSteps: wholeNumber(values, "grpo-steps", 1),
    outputDir: values.output,
  };
}

function wholeNumber(values, name, least) {
  const text = values[name];
  if (text === undefined) return undefined;
  if (!/^\d+$/.test(text) || Number(text) < least) {
    throw new SetupError(`[quickstart] unusable --${name}: got ${text}, expected a whole number from ${least}.`);
  }
  return Number(text);
}
