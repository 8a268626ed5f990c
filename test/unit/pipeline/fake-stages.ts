/** Stages that do nothing but say so, and pipelines of them. */
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { z, type Json } from "@verlet/core";
import { loadPipeline, runPipeline, type Pipeline, type RunPipelineOptions, type StageKind, type StageResult } from "@verlet/pipeline";
import { stringify } from "yaml";
import { tempFolder } from "../../fakes/temp-folder.js";

const options = z.strictObject({
  reads: z.array(z.string()).default([]),
  value: z.number().default(1),
  leaves: z.boolean().default(true),
  listens: z.boolean().default(true),
});

export interface FakeStages {
  kind: StageKind;
  /** `name value`, each time one runs; `+` behind it where it went on from where it had stopped. */
  log: string[];
  /** What a stage does in place of ending well. */
  hooks: Map<string, () => StageResult>;
}

/** `uses: fake`: writes `value` into its folder and measures it. It goes on where its folder holds a file `half`. */
export function fakeStages(): FakeStages {
  const log: string[] = [];
  const hooks = new Map<string, () => StageResult>();
  const kind: StageKind<z.output<typeof options>> = {
    name: "fake",
    doc: "Writes its value.",
    options,
    outputs: "file: what it wrote; place: the same as a mapping",
    prepare: async ({ reads, value, leaves, listens }, { name, folder }) => {
      const file = join(folder, "value.txt");
      return {
        settings: { value, reads } satisfies Json,
        files: reads,
        outputs: { file, place: { path: file } },
        products: [file],
        interruptible: listens,
        canResume: async () => existsSync(join(folder, "half")),
        run: async () => {
          log.push(`${name} ${value}${existsSync(join(folder, "half")) ? "+" : ""}`);
          mkdirSync(folder, { recursive: true });
          const hook = hooks.get(name);
          if (hook) {
            writeFileSync(join(folder, "half"), "");
            return hook();
          }
          if (leaves) writeFileSync(file, String(value));
          return { metrics: { value, broken: NaN }, facts: { note: "fake" } };
        },
      };
    },
  };
  return { kind: kind as StageKind, log, hooks };
}

export type StageText = Record<string, unknown>;

/** A pipeline's YAML in a folder of its own; returns the file and the folder. */
export function writePipeline(stages: readonly StageText[], more: Record<string, unknown> = {}, folder = tempFolder()): { path: string; folder: string; outputDir: string } {
  const [path, outputDir] = [join(folder, "pipeline.yaml"), join(folder, "out")];
  writeFileSync(path, stringify({ outputDir, ...more, stages }));
  return { path, folder, outputDir };
}

/** Three stages, each reading what the one before it wrote. */
export const three: readonly StageText[] = [
  { name: "a", uses: "fake" },
  { name: "b", uses: "fake", reads: ["${stages.a.file}"] },
  { name: "c", uses: "fake", reads: ["${stages.b.file}"] },
];

/** The pipeline of a file, and a run of it that gives what ran. */
export async function runFakes(path: string, fakes: FakeStages, overrides: readonly string[] = [], options: RunPipelineOptions = {}): Promise<string[]> {
  fakes.log.length = 0;
  await runPipeline(await loadFakes(path, fakes, overrides), options);
  return [...fakes.log];
}

export function loadFakes(path: string, { kind }: FakeStages, overrides: readonly string[] = []): Promise<Pipeline> {
  return loadPipeline(path, { overrides, kinds: [kind] });
}
