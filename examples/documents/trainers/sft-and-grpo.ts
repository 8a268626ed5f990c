/** SFT和GRPO有什么区别: SFT is shown the answers, GRPO only told how good its own are. */
import { createAccuracyReward, createRlDataset, createSftDataset, evaluateRewards, previewDataset } from "verlet";
import { gsm8k } from "../settings.ts";

previewDataset(await createSftDataset({ dataset: gsm8k, maxSamples: 1 }), 1, console.log);

const questions = await createRlDataset({ dataset: gsm8k, maxSamples: 1 });
previewDataset(questions, 1, console.log);

const truth = String(questions[0]!.ground_truth);
const answers = [`Final Answer: ${truth}`, `Final Answer: ${Number(truth) + 1}`];
const rewards = await evaluateRewards(answers, [truth, truth], createAccuracyReward());
console.log(rewards);
