import type { Command } from "commander";
import { addModelOptions, chatTemplateOption, collect, columns, count, demand, example, number } from "../options.js";
import type { EvalFlags } from "../verbs/eval.js";

export function addEval(program: Command): void {
  const command = addModelOptions(program.command("eval").description("answer every question of a data set and score the answers"))
    .option("--data <file>", "the questions, such as test.jsonl")
    .option("--reward <name[:options]>", 'a reward, with its options as JSON: format:{"pattern":"^A"}; may be repeated', collect)
    .option("--columns <pairs>", "which column holds what, such as prompt=question,answer=solution", columns)
    .addOption(chatTemplateOption())
    .option("--max-samples <n>", "only the first rows", count(1))
    .option("--max-new-tokens <n>", "longest answer (default: 256)", count(1))
    .option("--temperature <t>", "0 takes the likeliest token each time", number({ min: 0 }), 0)
    .option("--seed <n>", "of the sampling at a temperature above 0", count(0), 42)
    .option("--batch-size <n>", "rows sampled at a time", count(1), 32)
    .option("--details <file>", "also write one JSON line per question: prompt, completion, rewards, row")
    .option("--plugins <spec>", "a file or package that registers parts; may be repeated", collect)
    .option("--json", "print one JSON object")
    .addHelpText(...example("verlet eval --model output/grpo --data data/test.jsonl --columns prompt=question --reward accuracy --chat-template always"))
    .action(async (flags: EvalFlags) => {
      const { evaluate } = await import("../verbs/eval.js");
      await evaluate(flags);
    });
  demand(command, "model", "data", "reward");
}
