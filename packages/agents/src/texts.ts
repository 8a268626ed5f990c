/** What the tool says: in Chinese as its documents have it, or in English. */
export type Language = "zh" | "en";

export interface Texts {
  missing(name: string): string;
  unknownAction(name: string, known: readonly string[]): string;
  unknownAlgorithm(name: string, known: readonly string[]): string;
  unknownFormat(name: string, known: readonly string[]): string;
  unknownReward(name: string, known: readonly string[]): string;
  unknownMetric(name: string, known: readonly string[]): string;
  /** Of an error whose words are verlet's own. */
  failed(what: "model" | "evaluation" | "options" | "other", words: string): string;
  /** Of a learning rate at which RL tends to fail. */
  highRate(rate: number): string;
  readonly rewards: Readonly<Record<string, string>>;
  /** What the tool is for. */
  readonly description: string;
}

const zh: Texts = {
  missing: (name) => `缺少必需参数: ${name}`,
  unknownAction: (name, known) => `不支持的操作: ${name}。支持的操作: ${known.join(", ")}`,
  unknownAlgorithm: (name, known) => `不支持的算法: ${name}。支持的算法: ${known.join(", ")}`,
  unknownFormat: (name, known) => `不支持的数据格式: ${name}。支持的格式: ${known.join(", ")}`,
  unknownReward: (name, known) => `不支持的奖励类型: ${name}。支持的类型: ${known.join(", ")}`,
  unknownMetric: (name, known) => `不支持的指标: ${name}。支持的指标: ${known.join(", ")}`,
  failed: (what, words) => `${{ model: "模型加载失败", evaluation: "评估失败", options: "参数错误", other: "操作失败" }[what]}: ${words}`,
  highRate: (rate) => `学习率${rate}对强化学习过高, 小模型可能崩溃; 建议1e-6到1e-5`,
  rewards: {
    accuracy: "准确率奖励函数: 正确答案得1分,错误答案得0分",
    length_penalty: "长度惩罚奖励函数: 在准确率奖励的基础上惩罚过长的回答",
    step: "步骤奖励函数: 在准确率奖励的基础上奖励推理步骤",
    combined: "组合奖励函数: 各奖励函数的加权和",
  },
  description: "训练和评估语言模型: 加载数据集(load_dataset), 创建奖励函数(create_reward), 用SFT、GRPO等算法训练(train), 评估模型(evaluate)。返回JSON字符串。",
};

const en: Texts = {
  missing: (name) => `missing parameter: ${name}`,
  unknownAction: (name, known) => `unknown action: ${name}. Actions: ${known.join(", ")}`,
  unknownAlgorithm: (name, known) => `unknown algorithm: ${name}. Algorithms: ${known.join(", ")}`,
  unknownFormat: (name, known) => `unknown data format: ${name}. Formats: ${known.join(", ")}`,
  unknownReward: (name, known) => `unknown reward type: ${name}. Types: ${known.join(", ")}`,
  unknownMetric: (name, known) => `unknown metric: ${name}. Metrics: ${known.join(", ")}`,
  failed: (what, words) => `${{ model: "the model could not be loaded", evaluation: "evaluation failed", options: "wrong parameters", other: "the action failed" }[what]}: ${words}`,
  highRate: (rate) => `a learning rate of ${rate} is high for RL: small models tend to collapse; from 1e-6 to 1e-5 is usual`,
  rewards: {
    accuracy: "accuracy: 1 for a right answer, 0 for a wrong one",
    length_penalty: "length penalty: the accuracy, less a penalty for long answers",
    step: "step: the accuracy, and a bonus for steps of reasoning",
    combined: "combined: the weighted sum of several rewards",
  },
  description: "Trains and evaluates language models: load a data set (load_dataset), create a reward (create_reward), train with SFT, GRPO and other algorithms (train), evaluate a model (evaluate). Replies with a JSON string.",
};

export const texts: Readonly<Record<Language, Texts>> = { zh, en };
