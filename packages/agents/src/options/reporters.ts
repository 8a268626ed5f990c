/** Where a run's metrics go beside metrics.jsonl: the documents' `use_…` switches, or TRL's `report_to`. */
import type { ErrorParts } from "@verlet/core";
import type { TrainOptions } from "./train-options.js";

type Options = Partial<TrainOptions>;

/** Entries of `trainer.loggers`. TensorBoard's event files are written unless the options say otherwise, as documented. */
export function reporters(options: Options): { name: string }[] {
  const { loggingDir, wandbProject, runName } = options;
  return [
    ...(writesEvents(options) ? [{ name: "tensorboard", ...(loggingDir !== undefined && { dir: loggingDir }) }] : []),
    ...(usesWandb(options) ? [{ name: "wandb", ...(wandbProject !== undefined && { project: wandbProject }), ...(runName !== undefined && { runName }) }] : []),
  ];
}

const writesEvents = ({ useTensorboard = true, reportTo }: Options): boolean => (reportTo === undefined ? useTensorboard : [reportTo].flat().includes("tensorboard"));
const usesWandb = ({ useWandb = false, reportTo }: Options): boolean => (reportTo === undefined ? useWandb : [reportTo].flat().includes("wandb"));

/**
 * What contradicts itself or would do nothing. Beside a switch that is off a project or a name stays, as in the documents'
 * pipeline; without any switch they would be taken for one.
 */
export function refuseReporters({ useTensorboard, useWandb, reportTo, wandbProject, runName }: Options): Omit<ErrorParts, "where">[] {
  const given = (options: object): [string, unknown][] => Object.entries(options).filter(([, value]) => value !== undefined);
  const twice = reportTo === undefined ? [] : given({ use_tensorboard: useTensorboard, use_wandb: useWandb });
  const idle = useWandb === undefined && reportTo === undefined ? given({ wandbProject, runName }) : [];
  return [
    ...twice.map(([name]) => ({ what: "reportTo", got: `it beside ${name}`, expected: "one of them" })),
    ...idle.map(([what, value]) => ({ what, got: JSON.stringify(value), expected: "use_wandb: true beside it" })),
  ];
}
