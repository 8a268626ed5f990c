export { PpoTrainer } from "./ppo-trainer.js";
export { clippedValues, valueLoss, type ValueLossInput } from "./value-loss.js";
export { batchValues, updateCritic, valueGradients, valueMetrics, type ValueStepOptions } from "./critic-step.js";
