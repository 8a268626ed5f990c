import type { Command } from "commander";
import { addModelOptions, collect, columns, count, demand, example, number } from "../options.js";
import type { GenerateFlags } from "../verbs/generate.js";

export function addGenerate(program: Command): void {
  const command = addModelOptions(program.command("generate").description("complete prompts; rows are printed as they are done"))
    .option("--prompt <text>", "a prompt; may be repeated", collect)
    .option("--input <file>", 'rows with a prompt (text or messages), such as {"prompt":"Hi"}; "-" or nothing reads JSON lines from standard input')
    .option("--columns <pairs>", "which column holds the prompt, such as prompt=question", columns)
    .option("--chat", "wrap plain prompts as a user's turn in the chat template")
    .option("--n <count>", "completions of each prompt", count(1), 1)
    .option("--seed <n>", "of the sampling", count(0), 42)
    .option("--max-new-tokens <n>", "longest completion (default: 256)", count(1))
    .option("--temperature <t>", "0 takes the likeliest token each time (default: 1)", number({ min: 0 }))
    .option("--top-p <p>", "keep the smallest set of tokens with at least this probability (default: 1)", number({ above: 0, max: 1 }))
    .option("--top-k <k>", "keep the k best tokens; 0 keeps all (default: 0)", count(0))
    .option("--min-p <p>", "drop tokens less likely than p times the best one (default: 0)", number({ min: 0, max: 1 }))
    .option("--repetition-penalty <x>", "above 1 makes tokens already present less likely (default: 1)", number({ above: 0 }))
    .option("--batch-size <n>", "rows sampled at a time", count(1), 16)
    .option("--json", "print JSON lines with the completion's tokens and their log-probs")
    .addHelpText(...example('verlet generate --model output/grpo --prompt "47+38=?" --chat --temperature 0'))
    .action(async (flags: GenerateFlags) => {
      const { generate } = await import("../verbs/generate.js");
      await generate(flags);
    });
  demand(command, "model");
}
