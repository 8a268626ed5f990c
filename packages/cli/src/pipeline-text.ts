/** The lines of a pipeline for people. */
import type { Metrics } from "@verlet/core";
import { describeBounds, type PipelineEvent } from "@verlet/pipeline";
import { compact } from "./output.js";

export function eventText(event: PipelineEvent, bold: (text: string) => string): string {
  switch (event.event) {
    case "start":
      return `\n${bold(`stage ${event.number} of ${event.of}: ${event.stage}`)} (${event.uses}), ${event.action === "resume" ? "which goes on: " : ""}${event.why}`;
    case "skip":
      return `${bold(`stage ${event.number} of ${event.of}: ${event.stage}`)} (${event.uses}) is passed over: ${event.why}`;
    case "kept":
      return `  what ${event.stage} left before is kept in ${event.folder}; delete it if nobody needs it`;
    case "line":
      return `  ${event.text}`;
    case "done": {
      const { seconds, metrics } = event.record;
      const measured = headline(metrics);
      return `  ${event.stage} is done after ${seconds.toFixed(1)} s${measured && `: ${measured}`}`;
    }
    case "expected":
      return event.checked.map(({ metric, measured, met, ...bounds }) => `  ${metric} is ${compact(measured)}, expected ${describeBounds(bounds)}: ${met ? "met" : "not met"}`).join("\n");
  }
}

const MOST = 4;

/** The metrics to show where there is little room: those of an evaluation, or of the last step. */
export function headline(metrics: Metrics): string {
  const all = Object.entries(metrics).filter(([name]) => !/^(epoch$|timing\/|perf\/|memory\/)/.test(name));
  const evaluated = all.filter(([name]) => name.startsWith("eval/") && name.endsWith("/mean"));
  return (evaluated.length > 0 ? evaluated : all).slice(0, MOST).map(([name, value]) => `${name} ${compact(value)}`).join(", ");
}
