import type { ModelConfig } from "./config.js";
import type { SafetensorsDtype } from "./dtype.js";
import { asParameter, loadParameters, type ParameterMap } from "./parameters.js";
import { tensorNames } from "./weight-files.js";

/** The head's module, as transformers names it. */
export const HEAD = "score";
const WEIGHT = `${HEAD}.weight`;
const BIAS = `${HEAD}.bias`;

/** One number a token. The bias is there in …ForTokenClassification and not in …ForSequenceClassification. */
function headShapes({ hiddenSize }: ModelConfig, bias: boolean): Map<string, number[]> {
  return new Map([[WEIGHT, [1, hiddenSize]], ...(bias ? [[BIAS, [1]] as [string, number[]]] : [])]);
}

/**
 * A head of zeros, with a bias. transformers (and with it verl and TRL) draws it from a normal distribution of deviation
 * 0.02, the usual `initializer_range`. On normed states that gives random values of about 0.02·√H, 0.6 at H = 1024, which
 * the first advantages would be measured against. The gradient of a linear head does not vanish at zero.
 */
export function zeroHead(config: ModelConfig, dtype: SafetensorsDtype): ParameterMap {
  const zeros = [...headShapes(config, true)].map(([name, shape]) => asParameter(name, new Float32Array(shape.reduce((a, b) => a * b)), shape, dtype, true));
  return new Map(zeros.map((parameter) => [parameter.name, parameter]));
}

/** The head that lies in a model folder, or `otherwise` where there is none. */
export async function loadHead(folder: string, config: ModelConfig, otherwise: () => ParameterMap): Promise<ParameterMap> {
  const names = await tensorNames(folder);
  if (!names.includes(WEIGHT)) return otherwise();
  return loadParameters(folder, headShapes(config, names.includes(BIAS)), true);
}

/** What config.json says of a model with this head. */
export function headConfig({ raw }: ModelConfig, bias: boolean): Record<string, unknown> {
  const { architectures, ...rest } = raw;
  const family = /^(\w+)For[A-Z]\w+$/.exec((architectures as string[] | undefined)?.[0] ?? "")?.[1];
  return {
    ...rest,
    ...(family && { architectures: [`${family}For${bias ? "Token" : "Sequence"}Classification`] }),
    id2label: { 0: "LABEL_0" },
    label2id: { LABEL_0: 0 },
    num_labels: 1,
  };
}
