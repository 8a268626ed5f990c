/** The keys that would make a run fit, each tried by estimating again. */
import { isNative } from "@verlet/backend";
import { loraSchema, type ResolvedConfig } from "@verlet/config";
import { batchShape, runMemory, samples, type RunShape } from "./run-memory.js";

/** Keys that fit when they are set together. */
export interface MemoryFix {
  readonly changes: readonly MemoryChange[];
  /** Bytes of the run with them. */
  readonly peak: number;
}

interface MemoryChange {
  readonly key: string;
  /** As YAML. */
  readonly value: string;
  apply(shape: RunShape): RunShape;
}

/** The values of one key that would save memory, the nearest to the present one first. */
type Lever = (shape: RunShape) => MemoryChange[];

/** Rows cut shorter than this are of no use. */
const LEAST_TOKENS = 16;

const frozenFormats = ["float32", "bfloat16", "int8", "int4"] as const;

/** The first three change nothing of what is trained; the others are in the order in which they are to be thought of. */
const levers: readonly Lever[] = [
  ({ config }) => (config.trainer.gradientCheckpointing ? [] : [section("trainer", "gradientCheckpointing", true)]),
  (shape) => halves(batchShape(shape).rows, 1).map((rows) => section("trainer", "microBatchSize", rows)),
  (shape) => halves(batchShape(shape).rolloutRows, 1).map((rows) => section("rollout", "batchSize", rows)),
  ({ config: { model }, model: { lora } }) => (lora || model.init === "random" ? [] : [freshAdapter]),
  ({ config: { model }, model: { lora } }) => (lora && isNative() ? frozenFormats.slice(frozenFormats.indexOf(model.baseDtype) + 1).map((format) => section("model", "baseDtype", format)) : []),
  ({ config }) => (samples(config) ? halves(config.rollout.maxNewTokens, LEAST_TOKENS).map((tokens) => section("rollout", "maxNewTokens", tokens)) : []),
  (shape) => (samples(shape.config) ? [] : halves(batchShape(shape).width, LEAST_TOKENS).map((tokens) => section("data", "maxLength", tokens))),
];

/** Each key that is enough by itself; where none is, one set of keys that are enough together; nothing where none are. */
export function memoryFixes(shape: RunShape, limit: number): MemoryFix[] {
  const alone = levers.flatMap((lever) => {
    const change = lever(shape).find(({ apply }) => runMemory(apply(shape)).peak <= limit);
    return change ? [fixOf(shape, [change])] : [];
  });
  if (alone.length > 0) return alone;
  const together = combination(shape, limit);
  return together ? [fixOf(shape, together)] : [];
}

function combination(shape: RunShape, limit: number): MemoryChange[] | undefined {
  const fits = (changes: readonly MemoryChange[]): boolean => runMemory(applied(shape, changes)).peak <= limit;
  let chosen: { lever: Lever; change: MemoryChange }[] = [];
  const changesOf = (): MemoryChange[] => chosen.map(({ change }) => change);
  for (const lever of levers) {
    const values = lever(applied(shape, changesOf()));
    const change = values.find((one) => fits([...changesOf(), one])) ?? values.at(-1);
    if (change) chosen.push({ lever, change });
    if (fits(changesOf())) break;
  }
  if (!fits(changesOf())) return undefined;
  for (const one of chosen) {
    const others = chosen.filter((other) => other !== one);
    const rest = others.map(({ change }) => change);
    if (fits(rest)) chosen = others;
    else one.change = one.lever(applied(shape, rest)).find((change) => fits([...rest, change])) ?? one.change;
  }
  return changesOf();
}

const applied = (shape: RunShape, changes: readonly MemoryChange[]): RunShape => changes.reduce((changed, { apply }) => apply(changed), shape);

const fixOf = (shape: RunShape, changes: readonly MemoryChange[]): MemoryFix => ({ changes, peak: runMemory(applied(shape, changes)).peak });

function section<S extends "trainer" | "rollout" | "model" | "data", K extends keyof ResolvedConfig[S] & string>(name: S, key: K, value: ResolvedConfig[S][K]): MemoryChange {
  return {
    key: `${name}.${key}`,
    value: String(value),
    apply: (shape) => ({ ...shape, config: { ...shape.config, [name]: { ...shape.config[name], [key]: value } } }),
  };
}

const freshAdapter: MemoryChange = {
  key: "model.lora",
  value: "{}",
  apply: ({ config, model, ...shape }) => {
    const lora = loraSchema.parse({});
    return { ...shape, config: { ...config, model: { ...config.model, lora } }, model: { ...model, lora } };
  },
};

/** n/2, n/4 … down to `least`. */
function halves(n: number, least: number): number[] {
  const half = Math.floor(n / 2);
  return half >= least ? [half, ...halves(half, least)] : [];
}
