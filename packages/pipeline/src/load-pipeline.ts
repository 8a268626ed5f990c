/** From a pipeline's YAML to stages that are checked, each with its whole configuration, before anything runs. */
import { join, resolve } from "node:path";
import { ConfigError, nearest, z, type ErrorParts } from "@verlet/core";
import { applyOverrides, entryOf, Problems, readSection, showValueOf, textOf, type Mapping, type Node } from "@verlet/config/nodes";
import { expectationsSchema, metricReference, type Expectations } from "./expectations.js";
import { byIndex, namesOf, readPipeline } from "./read-pipeline.js";
import { RECORDS } from "./records.js";
import { resolveReferences, type Referable } from "./references.js";
import type { PreparedStage, StageKind } from "./stage-kind.js";
import { stageKinds } from "./stages/index.js";

/** Where folders of results that were replaced are kept. */
export const EARLIER = "earlier";

const pipelineSchema = z.strictObject({
  outputDir: z.string().min(1).default("./output/pipeline").describe("Holds a folder for each stage, and the records."),
  config: z.record(z.string(), z.unknown()).optional().describe("Keys for the configuration of every stage that has one, under the stage's own."),
  stages: z.array(z.unknown()).min(1).describe("What is done, in order."),
});

/** Keys that every stage has. */
const stageShape = {
  name: z
    .string()
    .regex(/^[A-Za-z][\w-]*$/)
    .refine((name) => ![RECORDS, EARLIER].includes(name), { message: `another name than ${RECORDS} and ${EARLIER}, which are folders of the pipeline's own` })
    .describe("Names its folder, and what later stages refer to."),
  uses: z.string().describe("What it is: one of the kinds of `verlet pipeline list`."),
  expect: expectationsSchema.prefault({}).describe("Bounds on its metrics; the pipeline stops where one is not met."),
} as const;

export interface Stage {
  readonly name: string;
  readonly uses: string;
  readonly folder: string;
  readonly expect: Expectations;
  readonly prepared: PreparedStage;
}

export interface Pipeline {
  /** The YAML's full path. */
  readonly path: string;
  readonly outputDir: string;
  readonly stages: readonly Stage[];
}

export interface LoadPipelineOptions {
  /** `stages.sft.config.trainer.maxSteps=10`, `outputDir=./out` and the like, over the file. */
  overrides?: readonly string[];
  /** What `uses:` may name; the kinds that come with verlet without it. */
  kinds?: readonly StageKind[];
}

/**
 * Reads the file, checks every stage and resolves every configuration in it.
 * @throws ConfigError with all problems at once.
 */
export async function loadPipeline(path: string, { overrides = [], kinds = stageKinds }: LoadPipelineOptions = {}): Promise<Pipeline> {
  const full = resolve(path);
  const problems = new Problems();
  const written = await readPipeline(full, problems);
  const root = applyOverrides(written, overrides.map((text) => byIndex(text, written)), problems) as Mapping;
  const top = readSection(pipelineSchema, root, { label: "", problems, place: root.place });
  problems.throwIfAny();
  const { outputDir } = top!;
  const place = root.place;
  const complete: Mapping = { ...root, entries: new Map([...root.entries, ["outputDir", { place, node: { type: "leaf", place, value: outputDir } }]]) };
  return { path: full, outputDir, stages: await new StageReader(complete, outputDir, kinds).read() };
}

class StageReader {
  readonly #root: Mapping;
  readonly #outputDir: string;
  readonly #kinds: readonly StageKind[];
  readonly #found: ErrorParts[] = [];
  readonly #stages: Stage[] = [];
  /** Also those with something wrong. */
  readonly #earlier: Referable[] = [];

  constructor(root: Mapping, outputDir: string, kinds: readonly StageKind[]) {
    this.#root = root;
    this.#outputDir = outputDir;
    this.#kinds = kinds;
  }

  async read(): Promise<Stage[]> {
    const { node } = entryOf(this.#root, "stages")!;
    const items = node.type === "list" ? node.items : [];
    const names = namesOf(node);
    for (const [i, item] of items.entries()) {
      const stage = await this.#readStage(item, i, names).catch((error: unknown) => this.#note(error));
      const name = stage?.name ?? names[i];
      if (stage) this.#stages.push(stage);
      if (name !== undefined) this.#earlier.push({ name, outputs: stage?.prepared.outputs });
    }
    if (this.#found.length > 0) throw new ConfigError(this.#found);
    return this.#stages;
  }

  /** Keeps what is wrong in the file, so that one run shows all of it. */
  #note(error: unknown): undefined {
    if (!(error instanceof ConfigError)) throw error;
    this.#found.push(...error.problems);
  }

  /** Undefined where it refers to a stage with something wrong, which is said there. */
  async #readStage(item: Node, index: number, names: readonly (string | undefined)[]): Promise<Stage | undefined> {
    const problems = new Problems();
    const label = names[index] === undefined ? `stages[${index}]` : `stages.${names[index]}`;
    if (item.type !== "mapping") {
      throw new ConfigError({ where: item.place.where, what: label, got: showValueOf(item), expected: "a mapping with `name` and `uses`" });
    }
    const kind = this.#kindOf(item, label);
    const known = names.filter((name) => name !== undefined);
    const node = resolveReferences(item, { names: known, earlier: this.#earlier, root: this.#root, problems });
    problems.throwIfAny();
    if (!node) return undefined;
    const options = readSection(kind.options.extend(stageShape), node, { label, problems, place: item.place });
    problems.throwIfAny();
    const { name, uses, expect, ...own } = options as z.output<z.ZodObject<typeof stageShape>> & Record<string, unknown>;
    if (names.indexOf(name) < index) {
      throw new ConfigError({ where: item.place.where, what: "two stages of one name", got: `"${name}" a second time`, expected: "each name once" });
    }
    this.#checkBounds(item, name, expect);
    const folder = join(this.#outputDir, name);
    const common = entryOf(this.#root, "config")?.node as Mapping | undefined;
    const prepared = await kind.prepare(own, { name, folder, node, common, earlier: this.#stages.map(({ name, uses, expect }) => ({ name, uses, expect })) });
    return { name, uses, folder, expect, prepared };
  }

  #kindOf(item: Mapping, label: string): StageKind {
    const written = entryOf(item, "uses");
    const all = this.#kinds.map(({ name }) => name);
    if (!written) throw new ConfigError({ where: item.place.where, what: `${label}.uses is missing`, expected: `one of ${all.join(", ")}` });
    const name = textOf(written.node);
    const kind = this.#kinds.find((one) => one.name === name);
    if (kind) return kind;
    const near = name === undefined ? undefined : nearest(name, all);
    const fix = near && `Did you mean \`${near}\`?`;
    throw new ConfigError({ where: written.node.place.where, what: `${label}.uses`, got: showValueOf(written.node), expected: `one of ${all.join(", ")}`, ...(fix && { fix }) });
  }

  /** A bound may be another stage's metric, if that stage runs before. */
  #checkBounds(item: Mapping, name: string, expect: Expectations): void {
    const before = this.#earlier.map((stage) => stage.name);
    const wrong = Object.values(expect).flatMap(({ min, max }) => [min, max]).filter((bound) => {
      const reference = metricReference(bound);
      return reference && !before.includes(reference.stage);
    });
    if (wrong.length === 0) return;
    const { where } = entryOf(item, "expect")!.node.place;
    const expected = before.length > 0 ? `one of ${before.join(", ")}` : "a number";
    throw new ConfigError(wrong.map((bound) => ({ where, what: `stage ${name} compares with a stage that does not run before it`, got: String(bound), expected })));
  }
}
