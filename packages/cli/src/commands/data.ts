import type { Command } from "commander";
import { chatTemplateOption, collect, columns, count, demand, example, trainOnOption } from "../options.js";
import type { InspectFlags } from "../verbs/data-inspect.js";
import type { ArithmeticFlags } from "../verbs/make-arithmetic.js";

export function addData(program: Command): void {
  const data = program.command("data").description("look at data sets, and make them");
  addInspect(data);
  const makeArithmetic = data
    .command("make-arithmetic")
    .description("two-digit additions with their working: demonstrations by an annotator who often forgets the carry, and right answers to reward and test with")
    .option("--output <folder>", "where sft.jsonl, rl.jsonl and test.jsonl go")
    .option("--seed <n>", "the same seed gives the same bytes (default: 7)", count(0))
    .option("--sft <n>", "demonstrations (default: 4000)", count(0))
    .option("--rl <n>", "questions to reward (default: 1000)", count(0))
    .option("--test <n>", "questions to test with (default: 500)", count(0))
    .option("--forget <percent>", "demonstrations that drop the carry, of 100 (default: 70)", count(0, 100))
    .option("--model <folder>", "also write a tiny model folder there: tokenizer and config.json, to train from random weights")
    .option("--json", "print one JSON object")
    .addHelpText(...example("verlet data make-arithmetic --output data --seed 7 --model tiny"))
    .action(async (flags: ArithmeticFlags) => {
      const { makeArithmeticData } = await import("../verbs/make-arithmetic.js");
      await makeArithmeticData(flags);
    });
  demand(makeArithmetic, "output");
}

function addInspect(data: Command): void {
  data
    .command("inspect <file|name>")
    .description("what is in a data set, which training its columns fit, what is wrong with single rows, and what a model would be trained on")
    .option("--split <split>", "train, train[:1000], train[10%:20%]; [:1000] for a file")
    .option("--model <folder>", "measure in the tokens of this model, through its chat template (default: in characters)")
    .option("--eval <file|name>", "evaluation rows, to find those that are in both")
    .option("--columns <pairs>", "which column holds what, such as prompt=question,answer=solution", columns)
    .addOption(chatTemplateOption())
    .addOption(trainOnOption())
    .option("--max-length <n>", "data.maxLength to try (default: 1024)", count(2))
    .option("--max-prompt-tokens <n>", "data.maxPromptTokens to try (default: 512)", count(1))
    .option("--max-samples <n>", "only the first rows", count(1))
    .option("--samples <n>", "rows to show as they are trained on", count(0), 2)
    .option("--plugins <spec>", "a file or package that registers dataset readers; may be repeated", collect)
    .option("--json", "print one JSON object")
    .addHelpText("after", "\nEnds with status 1 where a row has a problem, or where the rows fit no training.")
    .addHelpText(...example("verlet data inspect data/sft.jsonl --columns prompt=question,completion=solution --model tiny", "verlet data inspect hf://openai/gsm8k/main --split 'train[:500]'"))
    .action(async (path: string, flags: InspectFlags) => {
      const { inspectData } = await import("../verbs/data-inspect.js");
      await inspectData(path, flags);
    });
}
