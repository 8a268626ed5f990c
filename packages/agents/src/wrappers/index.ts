export { createLoraConfig, TrainingConfig } from "./training-config.js";
export type { LoraConfigOptions, TrainingConfigOptions } from "./training-config.js";
export type { WrapperOptions } from "./trainer-wrapper.js";
export * from "./wrappers.js";
export * from "./environment.js";
export { checkInstallation, checkTrlInstallation, getInstallationGuide, TRAINING_AVAILABLE, TRL_AVAILABLE } from "./installation.js";
