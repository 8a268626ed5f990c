import type { Command } from "commander";
import { count, demand, example } from "../options.js";
import type { ArithmeticFlags } from "../verbs/make-arithmetic.js";

export function addData(program: Command): void {
  const data = program.command("data").description("make data sets");
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
