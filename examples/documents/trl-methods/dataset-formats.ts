/** 数据集格式参考: `verlet data inspect` checks a data set, as the dataset inspector does, before anything is trained on it. */
import { execFileSync } from "node:child_process";
import { gsm8k, model } from "../settings.ts";

const dataset = gsm8k === "gsm8k" ? ["hf://openai/gsm8k/main", "--split", "train"] : [gsm8k.train];
const report = execFileSync("npx", ["verlet", "data", "inspect", ...dataset, "--model", model("Qwen/Qwen2.5-0.5B"), "--chat-template", "always", "--samples", "1"], { encoding: "utf8" });
console.log(report);
