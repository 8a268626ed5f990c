import type { Command } from "commander";
import { addModelOptions, count, demand, example, number } from "../options.js";
import type { ScoreFlags } from "../verbs/score.js";

export function addScore(program: Command): void {
  const command = addModelOptions(program.command("score").description("log-prob of every given token, one JSON line per row, in the order of the rows"))
    .option("--input <file>", 'rows: {"input_ids":[…]}, {"text":…}, {"prompt":…,"completion":…} or {"messages":[…]}; "-" or nothing reads JSON lines from standard input')
    .option("--temperature <t>", "of the distribution", number({ above: 0 }), 1)
    .option("--batch-size <n>", "rows in one pass", count(1), 8)
    .option("--json", "print JSON lines, as without it")
    .addHelpText(
      "after",
      "\nEach line holds `token_ids`, the tokens that were scored, their `logprobs` and the `sum`: every token from the second\non, or, for prompt and completion, the completion's.",
    )
    .addHelpText(...example("verlet score --model output/sft --input rows.jsonl > logprobs.jsonl"))
    .action(async (flags: ScoreFlags) => {
      const { score } = await import("../verbs/score.js");
      await score(flags);
    });
  demand(command, "model");
}
