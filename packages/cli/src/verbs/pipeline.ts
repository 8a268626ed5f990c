import { explainEntry, type BackendName } from "@verlet/config";
import { INTERRUPTED_EXIT_CODE } from "@verlet/manager";
import { loadPipeline, planPipeline, requireFiles, runPipeline, stageKinds, type PlannedStage } from "@verlet/pipeline";
import type { JsonFlag } from "../options.js";
import { note, print, printJson, styles, table } from "../output.js";
import { eventText, headline } from "../pipeline-text.js";

export interface PipelineStatusFlags extends JsonFlag {}

export interface PipelineRunFlags extends JsonFlag {
  from?: string;
  until?: string;
  dryRun?: boolean;
  backend?: BackendName;
}

export async function pipelineRun(yaml: string, overrides: readonly string[], { from, until, dryRun, backend, json = false }: PipelineRunFlags): Promise<void> {
  const pipeline = await loadPipeline(yaml, { overrides: backend === undefined ? overrides : [...overrides, `config.backend=${backend}`] });
  const range = { ...(from !== undefined && { from }), ...(until !== undefined && { until }) };
  if (dryRun) {
    const plan = await planPipeline(pipeline, range);
    requireFiles(plan, pipeline.outputDir);
    if (json) printJson(plan.map(({ stage, action, why }) => ({ stage: stage.name, uses: stage.uses, action, why })));
    else print(table(plan.map(({ stage, action, why }) => [stage.name, stage.uses, action, why])));
    return;
  }
  const { bold } = styles();
  const { records, interrupted } = await runPipeline(pipeline, {
    ...range,
    json,
    onEvent: (event) => {
      if (json) printJson({ ...event, event: `stage/${event.event}` });
      else print(eventText(event, bold));
    },
  });
  if (json) printJson({ event: "pipeline/end", outputDir: pipeline.outputDir, stages: records.map(({ stage }) => stage), interrupted });
  else if (!interrupted) print(`\nall of ${records.map(({ stage }) => stage).join(", ")} ${records.length === 1 ? "is" : "are"} done, in ${pipeline.outputDir}`);
  if (!interrupted) return;
  process.exitCode = INTERRUPTED_EXIT_CODE;
  note(`stopped in stage ${interrupted.stage}, ${interrupted.where}; the same command goes on from there`);
}

export async function pipelineStatus(yaml: string, overrides: readonly string[], { json }: PipelineStatusFlags): Promise<void> {
  const pipeline = await loadPipeline(yaml, { overrides });
  const plan = await planPipeline(pipeline);
  if (json) {
    printJson({ outputDir: pipeline.outputDir, stages: plan.map(({ stage, action, why, record }) => ({ stage: stage.name, uses: stage.uses, next: action, why, record })) });
    return;
  }
  const { bold } = styles();
  const [head, ...body] = table([["stage", "uses", "state", "seconds", ""], ...plan.map(statusRow)]).split("\n");
  print([bold(head!), ...body].join("\n"));
}

function statusRow({ stage, action, why, record }: PlannedStage): string[] {
  const state = action === "skip" ? "done" : !record ? "not run" : record.status === "done" ? "out of date" : record.status === "running" ? "not finished" : record.status;
  return [stage.name, stage.uses, state, record ? record.seconds.toFixed(1) : "", action === "skip" ? headline(record!.metrics) : why];
}

export function pipelineList({ json }: PipelineStatusFlags): void {
  const kinds = stageKinds.map(({ name, doc, outputs, options }) => ({ name, doc, outputs, options: explainEntry({ options }) }));
  if (json) {
    printJson(kinds);
    return;
  }
  const { bold } = styles();
  const blocks = kinds.map(({ name, doc, outputs, options }) =>
    [bold(name), `  ${doc}`, ...table(options.map(({ option, default: fallback, description }) => [`  ${option}`, fallback, description])).split("\n"), `  gives ${outputs}`].join("\n"),
  );
  print(blocks.join("\n\n"));
}
