export { sftEvaluation, sftGradients, type SftOptions } from "./sft-batch.js";
export { SftTrainer } from "./sft-trainer.js";
