import { writeArithmetic, writeTinyModelFolder } from "@verlet/data";
import type { JsonFlag } from "../options.js";
import { print, printJson } from "../output.js";

export interface ArithmeticFlags extends JsonFlag {
  output: string;
  seed?: number;
  sft?: number;
  rl?: number;
  test?: number;
  forget?: number;
  model?: string;
}

export async function makeArithmeticData({ output, model, forget, json, ...sizes }: ArithmeticFlags): Promise<void> {
  const files = await writeArithmetic(output, { ...sizes, ...(forget !== undefined && { forgetPercent: forget }) });
  if (model !== undefined) await writeTinyModelFolder(model);
  if (json) {
    printJson({ files, ...(model !== undefined && { model }) });
    return;
  }
  for (const path of Object.values(files)) print(path);
  if (model !== undefined) print(`${model}  (train it with model.init: random)`);
}
