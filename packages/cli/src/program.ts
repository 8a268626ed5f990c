import { readFileSync } from "node:fs";
import { Command } from "commander";
import { addBench } from "./commands/bench.js";
import { addData } from "./commands/data.js";
import { addDoctor } from "./commands/doctor.js";
import { addEval } from "./commands/eval.js";
import { addExplain } from "./commands/explain.js";
import { addGenerate } from "./commands/generate.js";
import { addList } from "./commands/list.js";
import { addMcp } from "./commands/mcp.js";
import { addMerge } from "./commands/merge.js";
import { addNew } from "./commands/new.js";
import { addPipeline } from "./commands/pipeline.js";
import { addReward } from "./commands/reward.js";
import { addSchema } from "./commands/schema.js";
import { addScore } from "./commands/score.js";
import { addSetup } from "./commands/setup.js";
import { addTrain } from "./commands/train.js";
import { addVerl } from "./commands/verl.js";

/** The verbs in the order help shows them. */
const groups: Readonly<Record<string, readonly ((program: Command) => void)[]>> = {
  "Train and use models:": [addTrain, addPipeline, addVerl, addEval, addGenerate, addScore, addMerge, addMcp],
  "See what there is, and add to it:": [addList, addExplain, addSchema, addNew],
  "Prepare and check:": [addSetup, addDoctor, addBench, addData, addReward],
};

export function createProgram(): Command {
  const program = new Command("verlet")
    .description("Post-trains language models: SFT, GRPO, DAPO and your own parts, described by a YAML file.")
    .version(packageVersion(), "-V, --version", "print the version")
    .helpOption("-h, --help", "print help")
    .addHelpCommand(new Command("help [verb]").description("print help for a verb").helpGroup("Prepare and check:"))
    .addHelpText("after", "\nExample:\n  verlet train configs/grpo.yaml trainer.seed=7")
    .showHelpAfterError("(add --help to see what there is)")
    .exitOverride();
  for (const [heading, verbs] of Object.entries(groups)) {
    program.commandsGroup(heading);
    for (const addVerb of verbs) addVerb(program);
  }
  return program;
}

function packageVersion(): string {
  const text = readFileSync(new URL("../package.json", import.meta.url), "utf8");
  return (JSON.parse(text) as { version: string }).version;
}
