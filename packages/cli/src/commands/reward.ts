import type { Command } from "commander";
import { collect, count, demand, example } from "../options.js";
import type { RewardServeFlags } from "../verbs/reward-serve.js";
import type { RewardTestFlags } from "../verbs/reward-test.js";

export function addReward(program: Command): void {
  const reward = program.command("reward").description("try out rewards, or serve them to other programs");
  addTest(reward);
  addServe(reward);
}

function addTest(reward: Command): void {
  reward
    .command("test")
    .description("run a YAML's rewards, without its model, over answers that are there: numbers, histograms, and the rows to look at")
    .argument("<yaml>", "the run's configuration")
    .argument("[overrides...]", "key=value pairs over the file")
    .option("--rollouts <file>", "completions of a run (outputDir/rollouts/step-….jsonl) in the place of the data set's own answers")
    .option("--limit <n>", "only the first rows", count(1))
    .option("--json", "print one JSON object, with every row to look at")
    .addHelpText(
      "after",
      "\nWithout --rollouts each row of data.train is scored with its own answer: its completion, its solution, or else its answer\nas it stands. A reward that fails is listed, whatever its onError, and the command then ends with 1. Of model.path only the\ntokenizer is read.",
    )
    .addHelpText(...example("verlet reward test configs/grpo.yaml --limit 200", "verlet reward test configs/grpo.yaml --rollouts output/grpo/rollouts/step-000010.jsonl"))
    .action(async (yaml: string, overrides: string[], flags: RewardTestFlags) => {
      const { rewardTest } = await import("../verbs/reward-test.js");
      await rewardTest(yaml, overrides, flags);
    });
}

function addServe(reward: Command): void {
  const serve = reward
    .command("serve")
    .description("answer samples sent by HTTP with their scores, as the reward `http` asks for them; Ctrl+C ends")
    .option("--reward <spec>", 'name, name=weight or name=weight:{"option":1}; may be repeated: the score is then the weighted sum', collect)
    .option("--host <address>", "where to listen; others than this machine reach it only at another address", "127.0.0.1")
    .option("--port <n>", "0 takes a free one", count(0, 65535), 0)
    .option("--max-body <MiB>", "largest request", count(1), 16)
    .option("--plugins <spec>", "a file or package that registers parts; may be repeated", collect)
    .option("--json", "print the address as one JSON line")
    .addHelpText(
      "after",
      '\nPOST / takes {"samples":[{"prompt":"…","completion":"…","row":{…},"answer":…}]} and gives {"scores":[1,null,…]};\nGET /health says what is served. An error is {"error":"…"} with another status than 200.',
    )
    .addHelpText(...example("verlet reward serve --reward accuracy --reward 'length_penalty=0.1:{\"maxLength\":256}' --port 8090"))
    .action(async (flags: RewardServeFlags) => {
      const { rewardServe } = await import("../verbs/reward-serve.js");
      await rewardServe(flags);
    });
  demand(serve, "reward");
}
