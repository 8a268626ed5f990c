import type { Command } from "commander";
import { backendOption, example } from "../options.js";
import type { PipelineRunFlags, PipelineStatusFlags } from "../verbs/pipeline.js";

export function addPipeline(program: Command): void {
  const pipeline = program.command("pipeline").description("several stages in order, such as data, SFT, a check, GRPO, evaluation and report, from one YAML");
  addRun(pipeline);
  addStatus(pipeline);
  addListOfKinds(pipeline);
}

function addRun(pipeline: Command): void {
  pipeline
    .command("run")
    .description("run the stages of a YAML; Ctrl+C stops, and the same command goes on from there")
    .argument("<yaml>", "the pipeline")
    .argument("[overrides...]", "key=value pairs over the file, such as stages.sft.config.trainer.maxSteps=100")
    .option("--from <stage>", "run this stage and all after it again; those before it are taken as they are")
    .option("--until <stage>", "the last stage to run")
    .option("--dry-run", "say which stages would run, and why")
    .addOption(backendOption())
    .option("--json", "print events as JSON lines")
    .addHelpText(
      "after",
      "\nA stage that is done is passed over until its options, its configuration or the content of what it reads changes; then it\nand all after it run again. A training that was stopped goes on from its checkpoint. Ends with status 1 where an\nexpectation is not met, with 130 after Ctrl+C.",
    )
    .addHelpText(...example("verlet pipeline run configs/documents/pipeline.yaml", "verlet pipeline run configs/documents/pipeline.yaml stages.check.expect.eval/rewards/accuracy/mean.min=0.35 --dry-run"))
    .action(async (yaml: string, overrides: string[], flags: PipelineRunFlags) => {
      const { pipelineRun } = await import("../verbs/pipeline.js");
      await pipelineRun(yaml, overrides, flags);
    });
}

function addStatus(pipeline: Command): void {
  pipeline
    .command("status")
    .description("what is done of a pipeline, and what its stages measured")
    .argument("<yaml>", "the pipeline")
    .argument("[overrides...]", "those it was run with")
    .option("--json", "print one JSON object")
    .addHelpText(...example("verlet pipeline status configs/documents/pipeline.yaml"))
    .action(async (yaml: string, overrides: string[], flags: PipelineStatusFlags) => {
      const { pipelineStatus } = await import("../verbs/pipeline.js");
      await pipelineStatus(yaml, overrides, flags);
    });
}

function addListOfKinds(pipeline: Command): void {
  pipeline
    .command("list")
    .description("what a stage may be, with its options and what later stages may refer to")
    .option("--json", "print one JSON array")
    .addHelpText(...example("verlet pipeline list"))
    .action(async (flags: PipelineStatusFlags) => {
      const { pipelineList } = await import("../verbs/pipeline.js");
      pipelineList(flags);
    });
}
