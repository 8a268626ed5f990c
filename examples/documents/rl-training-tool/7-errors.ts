/** 错误处理: the three common errors, and how a caller tells an error. */
import { RLTrainingTool, type ToolParams } from "verlet";
import { outputOf } from "../settings.ts";

const output = outputOf("rl-training-tool/7-errors");
const tool = new RLTrainingTool();

const wrong: ToolParams[] = [
  {}, // 缺少必需参数
  { action: "train", algorithm: "q-learning", model_name: "./no-such-model", output_dir: `${output}/q` }, // 不支持的算法: the document's "ppo" trains here
  { action: "evaluate", model_path: "./no-such-model" }, // 模型加载失败
];

for (const config of wrong) {
  const result = JSON.parse(await tool.run(config)) as { status: "success" | "error"; message?: string };
  if (result.status === "error") console.log(`错误: ${result.message}`);
  else console.log("成功!");
}
