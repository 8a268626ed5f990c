export { GrpoTrainer } from "./grpo-trainer.js";
